namespace Sluice.Engine.Tokens.Templates.Jinja.Values;

/// <summary>
/// What a name stands for that nobody set. It prints as nothing, is false and has no items; whatever else is done with
/// it is a fault with <paramref name="problem"/> as its message, which is only asked for then: templates look for much that is not there.
/// </summary>
internal sealed class Undefined(Func<string> problem)
{
    public Undefined(string problem)
        : this(() => problem)
    {
    }

    /// <summary>The fault of using it.</summary>
    public JinjaFault Fault() => new(problem());
}
