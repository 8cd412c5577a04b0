using System.Numerics;
using Sluice.Engine.Tokens.Templates.Jinja.Printing;
using Sluice.Engine.Tokens.Templates.Jinja.Running;
using Sluice.Engine.Tokens.Templates.Jinja.Values;

namespace Sluice.Engine.Tokens.Templates.Jinja.Functions;

/// <summary>One call of a built-in function: its subject, its arguments in the parameters' order, and conversions that refuse what does not fit.</summary>
internal sealed class NativeCall(
    Interpreter interpreter, string name, object? subject, object?[] values, List<object?> more, List<(string Name, object? Value)> named)
{
    public Interpreter Interpreter => interpreter;

    public Budget Budget => interpreter.Budget;

    /// <summary>The value before the dot, the '|' or the 'is'.</summary>
    public object? Subject => subject;

    /// <summary>Positional arguments beyond the parameters.</summary>
    public List<object?> More => more;

    /// <summary>Named arguments that are no parameters.</summary>
    public List<(string Name, object? Value)> Named => named;

    public object? this[int index] => values[index];

    public bool Has(int index) => !ReferenceEquals(values[index], Signature.Missing);

    /// <summary>The argument, or none where it was left out.</summary>
    public object? OrNone(int index) => Has(index) ? values[index] : null;

    public bool Flag(int index, bool fallback = false) => Has(index) ? ValueTypes.IsTrue(values[index]) : fallback;

    /// <summary>The subject of a string method.</summary>
    public Text SubjectText => (Text)subject!;

    /// <summary>The subject as a filter on strings takes it: whatever it is, as a string.</summary>
    public Text SubjectAsText() => ValueText.Str(subject, Budget);

    public Text Text(int index) => AsText(values[index]);

    /// <summary>A string argument; null where it is none or was left out.</summary>
    public Text? TextOrNull(int index) => OrNone(index) is { } value ? AsText(value) : null;

    public BigInteger Integer(int index) => values[index] switch
    {
        Undefined undefined => throw undefined.Fault(),
        var value => ValueTypes.AsInteger(value) ?? throw new JinjaFault($"'{name}' takes an integer, not {ValueTypes.Name(value)}"),
    };

    /// <summary>An integer argument, brought into the range of int: sizes beyond it are no different from the largest.</summary>
    public int Int(int index, int fallback)
        => OrNone(index) is null ? fallback : (int)BigInteger.Max(int.MinValue, BigInteger.Min(int.MaxValue, Integer(index)));

    public List<object?> SubjectItems() => Iteration.ToList(subject, Budget);

    private Text AsText(object? value) => value switch
    {
        Text text => text,
        Undefined undefined => throw undefined.Fault(),
        _ => throw new JinjaFault($"'{name}' takes a string, not {ValueTypes.Name(value)}"),
    };
}
