using System.Numerics;
using Sluice.Engine.Tokens.Templates.Jinja.Values;

namespace Sluice.Engine.Tokens.Templates.Jinja.Functions;

/// <summary>Looking for parts of strings, all of it or between two indexes.</summary>
internal static class TextSearch
{
    /// <summary>The methods startswith and endswith: with one affix, or with a tuple of which one must fit.</summary>
    public static object HasAffix(NativeCall call, Func<string, string, bool> fits)
    {
        var (window, _) = Window(call);
        if (window is null)
        {
            return false;
        }

        return call[0] is TupleValue several
            ? several.Items.Any(affix => fits(window, (affix as Text ?? throw new JinjaFault("'startswith' and 'endswith' take a string or a tuple of strings")).Value))
            : fits(window, call.Text(0).Value);
    }

    /// <summary>The index of a part; null where it is not.</summary>
    public static BigInteger? Find(NativeCall call, bool fromEnd)
    {
        var (window, start) = Window(call);
        var part = call.Text(0).Value;
        var at = window is null ? -1 : fromEnd ? window.LastIndexOf(part, StringComparison.Ordinal) : window.IndexOf(part, StringComparison.Ordinal);
        return at < 0 ? null : call.SubjectText.IndexOf(start + at);
    }

    public static object Count(NativeCall call)
    {
        var (window, _) = Window(call);
        var part = call.Text(0).Value;
        if (window is null)
        {
            return BigInteger.Zero;
        }

        return part.Length == 0 ? Text.FromData(window).Length + BigInteger.One : new BigInteger(window.AsSpan().Count(part));
    }

    /// <summary>The part of the subject between the call's indexes and its UTF-16 offset; null where they leave none, not even an empty one.</summary>
    private static (string? Window, int Start) Window(NativeCall call)
    {
        var text = call.SubjectText;
        if (!call.Has(1))
        {
            return (text.Value, 0);
        }

        var length = text.Length;
        var start = call.Int(1, 0);
        start = Math.Max(0, start < 0 ? start + length : start);
        var end = call.Int(2, length);
        end = Math.Clamp(end < 0 ? end + length : end, 0, length);
        return start > end ? (null, 0) : (text.Value[text.OffsetOf(start)..text.OffsetOf(end)], text.OffsetOf(start));
    }
}
