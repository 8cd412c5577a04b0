using System.Numerics;
using Sluice.Engine.Tokens.Templates.Jinja.Values;

namespace Sluice.Engine.Tokens.Templates.Jinja.Functions;

/// <summary>Methods of strings.</summary>
internal static class TextMethods
{
    public static readonly NativeTable Table = new()
    {
        { "strip", "chars?", call => TextCutting.Strip(call, atStart: true, atEnd: true) },
        { "lstrip", "chars?", call => TextCutting.Strip(call, atStart: true, atEnd: false) },
        { "rstrip", "chars?", call => TextCutting.Strip(call, atStart: false, atEnd: true) },
        { "removeprefix", "prefix", call => TextCutting.RemovePrefix(call) },
        { "removesuffix", "suffix", call => TextCutting.RemoveSuffix(call) },
        { "split", "sep? maxsplit?", call => TextSplitting.Split(call, fromEnd: false) },
        { "rsplit", "sep? maxsplit?", call => TextSplitting.Split(call, fromEnd: true) },
        { "splitlines", "keepends?", TextSplitting.SplitLines },
        { "partition", "sep", call => TextSplitting.Partition(call, last: false) },
        { "rpartition", "sep", call => TextSplitting.Partition(call, last: true) },
        { "replace", "old new count?", call => TextCutting.Replace(call.SubjectText, call.Text(0), call.Text(1), call.Int(2, -1), call.Budget) },
        { "join", "values", call => Join(call.SubjectText, call.Interpreter.Budget, Iteration.ToList(call[0], call.Budget).Select(TextOf)) },
        { "upper", "", call => call.SubjectText.Derive(TextCase.Upper(call.SubjectText.Value)) },
        { "lower", "", call => call.SubjectText.Derive(TextCase.Lower(call.SubjectText.Value)) },
        { "casefold", "", call => call.SubjectText.Derive(TextCase.Fold(call.SubjectText.Value)) },
        { "swapcase", "", call => call.SubjectText.Derive(TextCase.Swap(call.SubjectText.Value)) },
        { "capitalize", "", call => call.SubjectText.Derive(TextCase.Capitalize(call.SubjectText.Value)) },
        { "title", "", call => call.SubjectText.Derive(TextCase.Title(call.SubjectText.Value)) },
        { "center", "width fillchar?", call => TextPadding.Pad(call, (width, missing) => (missing / 2) + (missing & width & 1)) },
        { "ljust", "width fillchar?", call => TextPadding.Pad(call, (_, _) => 0) },
        { "rjust", "width fillchar?", call => TextPadding.Pad(call, (_, missing) => missing) },
        { "zfill", "width", TextPadding.ZeroFill },
        { "startswith", "prefix start? end?", call => TextSearch.HasAffix(call, (text, affix) => text.StartsWith(affix, StringComparison.Ordinal)) },
        { "endswith", "suffix start? end?", call => TextSearch.HasAffix(call, (text, affix) => text.EndsWith(affix, StringComparison.Ordinal)) },
        { "find", "sub start? end?", call => TextSearch.Find(call, fromEnd: false) ?? BigInteger.MinusOne },
        { "rfind", "sub start? end?", call => TextSearch.Find(call, fromEnd: true) ?? BigInteger.MinusOne },
        { "index", "sub start? end?", call => TextSearch.Find(call, fromEnd: false) ?? throw new JinjaFault("'index' found no such part in the string") },
        { "rindex", "sub start? end?", call => TextSearch.Find(call, fromEnd: true) ?? throw new JinjaFault("'rindex' found no such part in the string") },
        { "count", "sub start? end?", TextSearch.Count },
        { "format", "* **", call => BraceFormat.Apply(call.SubjectText, call) },
        { "isalnum", "", call => TextCase.All(call.SubjectText.Value, rune => TextCase.IsLetter(rune) || TextCase.IsNumeric(rune)) },
        { "isalpha", "", call => TextCase.All(call.SubjectText.Value, TextCase.IsLetter) },
        { "isascii", "", call => System.Text.Ascii.IsValid(call.SubjectText.Value) },
        { "isdecimal", "", call => TextCase.All(call.SubjectText.Value, TextCase.IsDecimal) },
        { "isdigit", "", call => TextCase.All(call.SubjectText.Value, TextCase.IsDigit) },
        { "isnumeric", "", call => TextCase.All(call.SubjectText.Value, TextCase.IsNumeric) },
        { "isspace", "", call => TextCase.All(call.SubjectText.Value, rune => rune.IsBmp && Characters.IsSpace((char)rune.Value)) },
        { "islower", "", call => TextCase.IsLower(call.SubjectText.Value) },
        { "isupper", "", call => TextCase.IsUpper(call.SubjectText.Value) },
        { "istitle", "", call => TextCase.IsTitle(call.SubjectText.Value) },
    };

    /// <summary>Joins strings with a separator between them.</summary>
    public static Text Join(Text separator, Budget budget, IEnumerable<Text> items)
    {
        var joined = new TextBuilder(budget);
        var isFirst = true;
        foreach (var item in items)
        {
            if (!isFirst)
            {
                joined.Append(separator);
            }

            joined.Append(item);
            isFirst = false;
        }

        return joined.ToText();
    }

    private static Text TextOf(object? item) => item as Text ?? throw new JinjaFault($"'join' of a string joins strings, not {ValueTypes.Name(item)}");
}
