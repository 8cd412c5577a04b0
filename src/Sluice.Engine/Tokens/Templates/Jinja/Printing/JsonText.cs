using System.Globalization;
using System.Numerics;
using System.Text;
using Sluice.Engine.Tokens.Templates.Jinja.Values;

namespace Sluice.Engine.Tokens.Templates.Jinja.Printing;

/// <summary>
/// Values as JSON, character for character as Python's json.dumps writes them: models were trained on that. JSON is
/// always data, even where the template wrote the values.
/// </summary>
internal sealed class JsonText(Budget budget)
{
    /// <summary>Escaping can make a string six times as long: after so many characters the builder sees whether it is too long.</summary>
    private const int ChunkLength = 4096;

    private readonly TextBuilder _output = new(budget);

    public bool EnsureAscii { get; init; }

    /// <summary>What one level is indented by; null for one line.</summary>
    public string? Indent { get; init; }

    public string ItemSeparator { get; init; } = ", ";

    public string KeySeparator { get; init; } = ": ";

    public bool SortKeys { get; init; }

    public Text Write(object? value)
    {
        WriteValue(value, 0);
        return _output.ToText();
    }

    private void WriteValue(object? value, int level)
    {
        budget.Step();
        switch (value)
        {
            case null:
                _output.AppendData("null");
                break;
            case bool flag:
                _output.AppendData(flag ? "true" : "false");
                break;
            case BigInteger number:
                _output.AppendData(number.ToString(CultureInfo.InvariantCulture));
                break;
            case double number:
                _output.AppendData(WriteFloat(number));
                break;
            case Text text:
                WriteString(text.Value);
                break;
            case Sequence sequence:
                WriteList(sequence, level);
                break;
            case DictValue dict:
                WriteDict(dict, level);
                break;
            case Undefined undefined:
                throw undefined.Fault();
            default:
                throw new JinjaFault($"{ValueTypes.Name(value)} cannot be written as JSON");
        }
    }

    private void WriteList(Sequence list, int level)
    {
        if (list.Items.Count == 0)
        {
            _output.AppendData("[]");
            return;
        }

        budget.Enter();
        _output.AppendData("[");
        for (var i = 0; i < list.Items.Count; i++)
        {
            BeginItem(i, level + 1);
            WriteValue(list.Items[i], level + 1);
        }

        EndItems(level);
        _output.AppendData("]");
        budget.Leave();
    }

    private void WriteDict(DictValue dict, int level)
    {
        if (dict.Count == 0)
        {
            _output.AppendData("{}");
            return;
        }

        budget.Enter();
        _output.AppendData("{");
        var entries = Enumerable.Range(0, dict.Count).Select(dict.At).ToList();
        if (SortKeys)
        {
            entries = Sorting.Sort(entries, (x, y) => Ordering.Compare(x.Key, y.Key, "<", budget) ?? 0);
        }

        for (var i = 0; i < entries.Count; i++)
        {
            BeginItem(i, level + 1);
            WriteString(KeyText(entries[i].Key));
            _output.AppendData(KeySeparator);
            WriteValue(entries[i].Value, level + 1);
        }

        EndItems(level);
        _output.AppendData("}");
        budget.Leave();
    }

    private void BeginItem(int index, int level)
    {
        if (index > 0)
        {
            _output.AppendData(ItemSeparator);
        }

        BreakLine(level);
    }

    private void EndItems(int level) => BreakLine(level);

    private void BreakLine(int level)
    {
        if (Indent is null)
        {
            return;
        }

        _output.AppendData("\n");
        for (var i = 0; i < level; i++)
        {
            _output.AppendData(Indent);
        }
    }

    private static string KeyText(object? key) => key switch
    {
        null => "null",
        bool flag => flag ? "true" : "false",
        double number => WriteFloat(number),
        BigInteger number => number.ToString(CultureInfo.InvariantCulture),
        _ => ((Text)key).Value,
    };

    private static string WriteFloat(double value) => value switch
    {
        double.NaN => "NaN",
        double.PositiveInfinity => "Infinity",
        double.NegativeInfinity => "-Infinity",
        _ => FloatText.Repr(value),
    };

    private void WriteString(string text)
    {
        var json = new StringBuilder().Append('"');
        foreach (var c in text)
        {
            switch (c)
            {
                case '"':
                    json.Append("\\\"");
                    break;
                case '\\':
                    json.Append(@"\\");
                    break;
                case '\n':
                    json.Append(@"\n");
                    break;
                case '\r':
                    json.Append(@"\r");
                    break;
                case '\t':
                    json.Append(@"\t");
                    break;
                case '\f':
                    json.Append(@"\f");
                    break;
                case '\b':
                    json.Append(@"\b");
                    break;
                case < ' ':
                case > '~' when EnsureAscii:
                    json.Append(CultureInfo.InvariantCulture, $@"\u{(int)c:x4}");
                    break;
                default:
                    json.Append(c);
                    break;
            }

            if (json.Length >= ChunkLength)
            {
                _output.AppendData(json.ToString());
                json.Clear();
            }
        }

        _output.AppendData(json.Append('"').ToString());
    }
}
