namespace Sluice.Engine.Tokens.Templates.Jinja.Values;

/// <summary>
/// What a name stands for that nobody set. It prints as nothing, is false and has no items; whatever else is done with
/// it is a fault with <paramref name="problem"/> as its message.
/// </summary>
internal sealed class Undefined(string problem)
{
    public string Problem { get; } = problem;

    /// <summary>The fault of using it.</summary>
    public JinjaFault Fault() => new(Problem);
}
