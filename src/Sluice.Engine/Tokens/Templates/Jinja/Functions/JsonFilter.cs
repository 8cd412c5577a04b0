using Sluice.Engine.Tokens.Templates.Jinja.Printing;
using Sluice.Engine.Tokens.Templates.Jinja.Values;

namespace Sluice.Engine.Tokens.Templates.Jinja.Functions;

/// <summary>The filter 'tojson', with the parameters that chat templates know it by; Jinja's own escapes for HTML, theirs does not.</summary>
internal static class JsonFilter
{
    public static object? Apply(NativeCall call)
    {
        var (item, key) = Separators(call);
        var indent = call.OrNone(1);
        return new JsonText(call.Budget)
        {
            EnsureAscii = call.Flag(0),
            Indent = indent is null ? null : IndentOf(call),
            ItemSeparator = item ?? (indent is null ? ", " : ","),
            KeySeparator = key ?? ": ",
            SortKeys = call.Flag(3),
        }.Write(call.Subject);
    }

    private static string IndentOf(NativeCall call)
    {
        if (call[1] is Text text)
        {
            return text.Value;
        }

        var width = Math.Max(0, call.Int(1, 0));
        call.Budget.Text(width);
        return new string(' ', width);
    }

    private static (string? Item, string? Key) Separators(NativeCall call) => call.OrNone(2) switch
    {
        null => (null, null),
        Sequence { Items: [Text item, Text key] } => (item.Value, key.Value),
        _ => throw new JinjaFault("the separators of 'tojson' are two strings: between items, and behind keys"),
    };
}
