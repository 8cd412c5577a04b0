using Sluice.Engine.Tokens.Templates.Jinja.Values;

namespace Sluice.Engine.Tokens.Templates.Jinja.Functions;

/// <summary>Making strings as wide as wanted.</summary>
internal static class TextPadding
{
    /// <param name="call">The method's call: width, then the character to fill with.</param>
    /// <param name="before">How many of the missing characters go before the text, by width and number missing.</param>
    public static Text Pad(NativeCall call, Func<int, int, int> before)
    {
        var (text, width, fill) = (call.SubjectText, call.Int(0, 0), call.TextOrNull(1) ?? Text.FromData(" "));
        if (fill.Length != 1)
        {
            throw new JinjaFault("strings are filled up with one character");
        }

        return Pad(text, width, fill, before, call.Budget);
    }

    public static Text Pad(Text text, int width, Text fill, Func<int, int, int> before, Budget budget)
    {
        var missing = Math.Max(0, (long)width - text.Length);
        budget.CheckLength(missing);
        var left = before(width, (int)missing);
        var padded = new TextBuilder(budget);
        Repeat(padded, fill, left);
        padded.Append(text);
        Repeat(padded, fill, (int)missing - left);
        return padded.ToText();
    }

    /// <summary>The method zfill: zeros behind the sign.</summary>
    public static object ZeroFill(NativeCall call)
    {
        var text = call.SubjectText;
        var missing = Math.Max(0, (long)call.Int(0, 0) - text.Length);
        call.Budget.CheckLength(missing);
        var sign = text.Value is ['+' or '-', ..] ? 1 : 0;
        var filled = new TextBuilder(call.Budget).Append(text, 0, sign);
        Repeat(filled, Text.FromData("0"), (int)missing);
        return filled.Append(text, sign, text.Value.Length).ToText();
    }

    private static void Repeat(TextBuilder output, Text fill, int times)
    {
        for (var i = 0; i < times; i++)
        {
            output.Append(fill);
        }
    }
}
