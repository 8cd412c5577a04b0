using System.Numerics;
using Sluice.Engine.Tokens.Templates.Jinja.Printing;
using Sluice.Engine.Tokens.Templates.Jinja.Running;
using Sluice.Engine.Tokens.Templates.Jinja.Values;

namespace Sluice.Engine.Tokens.Templates.Jinja.Functions;

/// <summary>Functions that every template can call: Jinja's own, and those that chat templates are given besides.</summary>
internal static class Globals
{
    private static readonly NativeTable Table = new()
    {
        { "range", "start stop? step?", Range },
        { "dict", "mapping? **", Dict },
        { "namespace", "mapping? **", call => Fill(new NamespaceValue(), call) },
        { "cycler", "*", call => call.More.Count > 0 ? new CyclerValue(call.More) : throw new JinjaFault("'cycler' needs values to cycle through") },
        { "joiner", "sep?", Joiner },
        { "raise_exception", "message", call => throw new JinjaFault(ValueText.Str(call[0], call.Budget).Value) { RaisedByTemplate = true } },
        { "strftime_now", "format", call => Text.FromData(Strftime.Format(call.Interpreter.Clock.GetLocalNow(), call.Text(0).Value, call.Budget)) },
    };

    /// <summary>A scope that has them all.</summary>
    public static Scope NewScope()
    {
        var scope = new Scope(null);
        foreach (var (name, definition) in Table)
        {
            scope.Set(name, new NativeFunction(definition, null));
        }

        return scope;
    }

    private static RangeValue Range(NativeCall call)
    {
        var (start, stop) = call.Has(1) ? (call.Integer(0), call.Integer(1)) : (BigInteger.Zero, call.Integer(0));
        var step = call.Has(2) ? call.Integer(2) : BigInteger.One;
        if (step.IsZero)
        {
            throw new JinjaFault("the step of 'range' cannot be 0");
        }

        call.Budget.Range(RangeValue.CountOf(start, stop, step));
        return new RangeValue(start, stop, step);
    }

    private static DictValue Dict(NativeCall call) => DictMethods.Update(new DictValue(), call);

    private static NamespaceValue Fill(NamespaceValue ns, NativeCall call)
    {
        DictMethods.Update(ns.Attributes, call);
        return ns;
    }

    /// <summary>A function that gives nothing when first called, and the separator from then on.</summary>
    private static NativeFunction Joiner(NativeCall call)
    {
        var separator = call.Has(0) ? call[0] : Text.FromTemplate(", ");
        var isUsed = false;
        object? Join()
        {
            var text = isUsed ? separator : Text.Empty;
            isUsed = true;
            return text;
        }

        return new NativeFunction(new NativeDefinition("joiner", Signature.Parse(""), _ => Join()), null);
    }
}
