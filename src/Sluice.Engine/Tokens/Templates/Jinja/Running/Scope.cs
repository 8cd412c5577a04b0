namespace Sluice.Engine.Tokens.Templates.Jinja.Running;

/// <summary>Variables of one block; what it does not have is looked for in the scope around it.</summary>
internal sealed class Scope(Scope? parent)
{
    private Dictionary<string, object?>? _variables;

    public bool TryGet(string name, out object? value)
    {
        for (var scope = this; scope is not null; scope = scope.Parent)
        {
            if (scope._variables is not null && scope._variables.TryGetValue(name, out value))
            {
                return true;
            }
        }

        value = null;
        return false;
    }

    public void Set(string name, object? value)
    {
        _variables ??= new Dictionary<string, object?>(StringComparer.Ordinal);
        _variables[name] = value;
    }

    /// <summary>How many scopes lie around this one.</summary>
    public int Depth { get; } = parent is null ? 0 : parent.Depth + 1;

    private Scope? Parent => parent;
}
