using System.Globalization;
using System.Numerics;
using System.Text;
using Sluice.Engine.Tokens.Templates.Jinja.Functions;
using Sluice.Engine.Tokens.Templates.Jinja.Running;
using Sluice.Engine.Tokens.Templates.Jinja.Values;

namespace Sluice.Engine.Tokens.Templates.Jinja.Printing;

/// <summary>Values as text, as Python's str() and repr() write them. A string is itself; everything else comes out as data.</summary>
internal static class ValueText
{
    /// <summary>Escaping can make a string ten times as long: after so many characters the builder sees whether it is too long.</summary>
    private const int ChunkLength = 4096;

    public static Text Str(object? value, Budget budget) => value switch
    {
        Text text => text,
        Undefined => Text.Empty,
        _ => new TextBuilder(budget).AppendRepr(value, budget).ToText(),
    };

    public static Text Repr(object? value, Budget budget) => new TextBuilder(budget).AppendRepr(value, budget).ToText();

    private static TextBuilder AppendRepr(this TextBuilder output, object? value, Budget budget)
    {
        budget.Step();
        switch (value)
        {
            case null:
                return output.AppendData("None");
            case bool flag:
                return output.AppendData(flag ? "True" : "False");
            case BigInteger number:
                return output.AppendData(number.ToString(CultureInfo.InvariantCulture));
            case double number:
                return output.AppendData(FloatText.Repr(number));
            case Text text:
                return output.AppendQuoted(text.Value);
            case ListValue list:
                return output.AppendData("[").AppendItems(list.Items, budget).AppendData("]");
            case TupleValue { Items.Count: 1 } single:
                return output.AppendData("(").AppendItems(single.Items, budget).AppendData(",)");
            case TupleValue tuple:
                return output.AppendData("(").AppendItems(tuple.Items, budget).AppendData(")");
            case DictValue dict:
                return output.AppendDict(dict, budget);
            case DictView view:
                return output.AppendData(ValueTypes.Name(view)).AppendData("([").AppendItems(Iteration.ToList(view, budget), budget).AppendData("])");
            case RangeValue range:
                return output.AppendData(range.Step.IsOne ? $"range({range.Start}, {range.Stop})" : $"range({range.Start}, {range.Stop}, {range.Step})");
            case NamespaceValue ns:
                return output.AppendData("<Namespace ").AppendDict(ns.Attributes, budget).AppendData(">");
            case Macro macro:
                return output.AppendData("<Macro ").AppendQuoted(macro.Definition.Name).AppendData(">");
            case LoopContext loop:
                return output.AppendData($"<LoopContext {loop.Index}/{loop.Length}>");
            case NativeFunction function:
                return output.AppendData($"<function {function.Name}>");
            case Undefined:
                return output.AppendData("Undefined");
            default:
                return output.AppendData($"<{ValueTypes.Name(value)} object>");
        }
    }

    private static TextBuilder AppendItems(this TextBuilder output, IReadOnlyList<object?> items, Budget budget)
    {
        budget.Enter();
        for (var i = 0; i < items.Count; i++)
        {
            if (i > 0)
            {
                output.AppendData(", ");
            }

            output.AppendRepr(items[i], budget);
        }

        budget.Leave();
        return output;
    }

    private static TextBuilder AppendDict(this TextBuilder output, DictValue dict, Budget budget)
    {
        budget.Enter();
        output.AppendData("{");
        for (var i = 0; i < dict.Count; i++)
        {
            var (key, value) = dict.At(i);
            output.AppendData(i > 0 ? ", " : "").AppendRepr(key, budget).AppendData(": ").AppendRepr(value, budget);
        }

        budget.Leave();
        return output.AppendData("}");
    }

    /// <summary>A string as Python writes its literal: single quotes unless only those occur in it.</summary>
    private static TextBuilder AppendQuoted(this TextBuilder output, string text)
    {
        var quote = text.Contains('\'') && !text.Contains('"') ? '"' : '\'';
        var chunk = new StringBuilder().Append(quote);
        for (var i = 0; i < text.Length; i++)
        {
            if (!Rune.TryGetRuneAt(text, i, out var rune))
            {
                chunk.Append(CultureInfo.InvariantCulture, $@"\u{(int)text[i]:x4}");
                continue;
            }

            i += rune.Utf16SequenceLength - 1;
            AppendQuoted(chunk, rune, quote);
            if (chunk.Length >= ChunkLength)
            {
                output.AppendData(chunk.ToString());
                chunk.Clear();
            }
        }

        return output.AppendData(chunk.Append(quote).ToString());
    }

    private static void AppendQuoted(StringBuilder quoted, Rune rune, char quote)
    {
        switch (rune.Value)
        {
            case '\\':
                quoted.Append(@"\\");
                break;
            case '\n':
                quoted.Append(@"\n");
                break;
            case '\r':
                quoted.Append(@"\r");
                break;
            case '\t':
                quoted.Append(@"\t");
                break;
            case var code when code == quote:
                quoted.Append('\\').Append(quote);
                break;
            case var code when Characters.IsPrintable(rune):
                quoted.Append(rune);
                break;
            case <= 0xff:
                quoted.Append(CultureInfo.InvariantCulture, $@"\x{rune.Value:x2}");
                break;
            case <= 0xffff:
                quoted.Append(CultureInfo.InvariantCulture, $@"\u{rune.Value:x4}");
                break;
            default:
                quoted.Append(CultureInfo.InvariantCulture, $@"\U{rune.Value:x8}");
                break;
        }
    }
}
