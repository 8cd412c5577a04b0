using System.Numerics;
using Sluice.Engine.Tokens.Templates.Jinja.Functions;
using Sluice.Engine.Tokens.Templates.Jinja.Running;

namespace Sluice.Engine.Tokens.Templates.Jinja.Values;

/// <summary>
/// The kinds of values: null is none; <see cref="bool"/>, <see cref="BigInteger"/>, <see cref="double"/>, <see cref="Text"/>,
/// <see cref="ListValue"/>, <see cref="TupleValue"/>, <see cref="DictValue"/> and the rarer ones of this folder.
/// </summary>
internal static class ValueTypes
{
    /// <summary>Python's name of the value's type, as messages show it.</summary>
    public static string Name(object? value) => value switch
    {
        null => "NoneType",
        bool => "bool",
        BigInteger => "int",
        double => "float",
        Text => "str",
        ListValue => "list",
        TupleValue => "tuple",
        DictValue => "dict",
        DictView view => view.Part switch
        {
            DictPart.Keys => "dict_keys",
            DictPart.Values => "dict_values",
            _ => "dict_items",
        },
        RangeValue => "range",
        IteratorValue => "generator",
        NamespaceValue => "Namespace",
        Undefined => "Undefined",
        LoopContext => "LoopContext",
        Macro => "Macro",
        NativeFunction => "function",
        CyclerValue => "Cycler",
        _ => throw new ArgumentException($"{value.GetType()} is no value of a template", nameof(value)),
    };

    public static bool IsTrue(object? value) => value switch
    {
        null or Undefined => false,
        bool flag => flag,
        BigInteger number => !number.IsZero,
        double number => number != 0,
        Text text => !text.IsEmpty,
        Sequence sequence => sequence.Items.Count > 0,
        DictValue dict => dict.Count > 0,
        DictView view => view.Count > 0,
        RangeValue range => range.Count > 0,
        _ => true,
    };

    /// <summary>Python's len; null where the value has none.</summary>
    public static int? LengthOf(object? value) => value switch
    {
        Text text => text.Length,
        Sequence sequence => sequence.Items.Count,
        DictValue dict => dict.Count,
        DictView view => view.Count,
        RangeValue range => range.Count,
        LoopContext loop => loop.Length,
        Undefined => 0,
        _ => null,
    };

    /// <summary>The integer that a value can be used as: booleans count as 0 and 1.</summary>
    public static BigInteger? AsInteger(object? value) => value switch
    {
        BigInteger number => number,
        bool flag => flag ? BigInteger.One : BigInteger.Zero,
        _ => null,
    };

    public static bool IsNumber(object? value) => value is bool or BigInteger or double;
}
