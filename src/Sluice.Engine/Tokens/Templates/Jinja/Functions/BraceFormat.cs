using System.Globalization;
using System.Numerics;
using Sluice.Engine.Tokens.Templates.Jinja.Printing;
using Sluice.Engine.Tokens.Templates.Jinja.Values;

namespace Sluice.Engine.Tokens.Templates.Jinja.Functions;

/// <summary>The method format of strings: fields {}, {0}, {name}, {name.attribute}, {name[key]}, with !r and !s, and :width, alignment and digits.</summary>
internal sealed class BraceFormat
{
    private readonly Text _format;
    private readonly NativeCall _call;
    private readonly TextBuilder _output;
    private int _next;

    private BraceFormat(Text format, NativeCall call)
    {
        _format = format;
        _call = call;
        _output = new TextBuilder(call.Budget);
    }

    public static Text Apply(Text format, NativeCall call) => new BraceFormat(format, call).Run();

    private Text Run()
    {
        var pattern = _format.Value;
        for (var i = 0; i < pattern.Length; i++)
        {
            if (pattern[i] is '{' or '}' && i + 1 < pattern.Length && pattern[i + 1] == pattern[i])
            {
                _output.Append(_format, i, i + 1);
                i++;
            }
            else if (pattern[i] == '{')
            {
                var close = pattern.IndexOf('}', i);
                if (close < 0)
                {
                    throw new JinjaFault("the format has a '{' without '}'");
                }

                WriteField(pattern[(i + 1)..close]);
                i = close;
            }
            else if (pattern[i] == '}')
            {
                throw new JinjaFault("the format has a single '}'; write '}}' for one");
            }
            else
            {
                _output.Append(_format, i, i + 1);
            }
        }

        return _output.ToText();
    }

    private void WriteField(string field)
    {
        var colon = field.IndexOf(':', StringComparison.Ordinal);
        var spec = colon < 0 ? "" : field[(colon + 1)..];
        var path = colon < 0 ? field : field[..colon];
        var bang = path.IndexOf('!', StringComparison.Ordinal);
        var conversion = bang < 0 ? "" : path[(bang + 1)..];
        var value = Resolve(bang < 0 ? path : path[..bang]);
        value = conversion switch
        {
            "" => value,
            "s" => ValueText.Str(value, _call.Budget),
            "r" => ValueText.Repr(value, _call.Budget),
            _ => throw new JinjaFault($"the format has the conversion '!{conversion}'; supported are !s and !r"),
        };
        _output.Append(FormatSpec.Apply(value, spec, _call.Budget));
    }

    private object? Resolve(string path)
    {
        var end = path.AsSpan().IndexOfAny('.', '[');
        var first = end < 0 ? path : path[..end];
        var value = First(first);
        var rest = end < 0 ? "" : path[end..];
        while (rest.Length > 0)
        {
            object? key;
            if (rest[0] == '.')
            {
                var stop = rest.AsSpan(1).IndexOfAny('.', '[');
                key = Text.FromTemplate(stop < 0 ? rest[1..] : rest[1..(stop + 1)]);
                rest = stop < 0 ? "" : rest[(stop + 1)..];
            }
            else
            {
                var close = rest.IndexOf(']', StringComparison.Ordinal);
                if (close < 0)
                {
                    throw new JinjaFault("the format has a '[' without ']'");
                }

                var name = rest[1..close];
                key = int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var index) ? new BigInteger(index) : Text.FromTemplate(name);
                rest = rest[(close + 1)..];
            }

            value = Members.TryItem(value, key, out var member) ? member : throw new JinjaFault($"the format's field '{path}' is undefined");
        }

        return value;
    }

    private object? First(string name)
    {
        if (name.Length == 0 || int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out _))
        {
            var index = name.Length == 0 ? _next++ : int.Parse(name, CultureInfo.InvariantCulture);
            return index < _call.More.Count ? _call.More[index] : throw new JinjaFault($"the format needs more than {_call.More.Count} values");
        }

        foreach (var (key, value) in _call.Named)
        {
            if (key == name)
            {
                return value;
            }
        }

        throw new JinjaFault($"the format needs a value for '{name}'");
    }
}
