using Sluice.Engine.Tokens.Templates.Jinja.Running;
using Sluice.Engine.Tokens.Templates.Jinja.Values;

namespace Sluice.Engine.Tokens.Templates.Jinja.Functions;

/// <summary>A function, method, filter or test that is built in.</summary>
internal sealed record NativeDefinition(string Name, Signature Signature, Func<NativeCall, object?> Body)
{
    /// <summary>Functions go through their strings' characters one by one, at a few nanoseconds each, not a vector of them at once.</summary>
    private const int SlowCharacters = 4;

    /// <summary>Runs it on a subject: the value before the dot, the '|' or the 'is'; null for plain functions.</summary>
    public object? Apply(Interpreter interpreter, object? subject, Arguments arguments)
    {
        interpreter.Budget.StepText(SlowCharacters * (LengthOf(subject) + arguments.Positional.Sum(LengthOf) + arguments.Named.Sum(argument => LengthOf(argument.Value))));
        var (values, more, named) = Signature.Bind(Name, arguments);
        return Body(new NativeCall(interpreter, Name, subject, values, more, named));
    }

    private static long LengthOf(object? value) => value is Text text ? text.Value.Length : 0;
}

/// <summary>A built-in function as a value; a method with the value that it belongs to.</summary>
internal sealed class NativeFunction(NativeDefinition definition, object? subject)
{
    public string Name => definition.Name;

    public object? Call(Interpreter interpreter, Arguments arguments) => definition.Apply(interpreter, subject, arguments);
}

/// <summary>Built-in functions by name.</summary>
internal sealed class NativeTable : Dictionary<string, NativeDefinition>
{
    public NativeTable()
        : base(StringComparer.Ordinal)
    {
    }

    /// <summary>Adds a function; its signature is written as <see cref="Signature.Parse"/> reads it.</summary>
    public void Add(string name, string signature, Func<NativeCall, object?> body) => Add(name, new NativeDefinition(name, Signature.Parse(signature), body));

    /// <summary>The names, for messages that tell what there is.</summary>
    public string Names => string.Join(", ", Keys.Order(StringComparer.Ordinal));
}
