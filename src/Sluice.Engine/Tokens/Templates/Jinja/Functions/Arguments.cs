namespace Sluice.Engine.Tokens.Templates.Jinja.Functions;

/// <summary>The values in the brackets of a call.</summary>
internal sealed record Arguments(List<object?> Positional, List<(string Name, object? Value)> Named)
{
    public static Arguments None => new([], []);

    /// <summary>Without the first positional ones.</summary>
    public Arguments Skip(int count) => this with { Positional = Positional[Math.Min(count, Positional.Count)..] };
}
