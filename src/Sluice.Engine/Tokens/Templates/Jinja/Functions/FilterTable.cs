using System.Numerics;
using Sluice.Engine.Tokens.Templates.Jinja.Running;
using Sluice.Engine.Tokens.Templates.Jinja.Values;

namespace Sluice.Engine.Tokens.Templates.Jinja.Functions;

/// <summary>Filters by name. The value before the '|' is the subject of the call.</summary>
internal static class FilterTable
{
    private static readonly NativeTable Table = new()
    {
        { "abs", "", NumberFilters.Abs },
        { "attr", "name", Attr },
        { "batch", "linecount fill_with?", SequenceFilters.Batch },
        { "capitalize", "", call => OnText(call, TextCase.Capitalize) },
        { "center", "width?", TextFilters.Center },
        { "count", "", Length },
        { "d", "default_value? boolean?", Default },
        { "default", "default_value? boolean?", Default },
        { "dictsort", "case_sensitive? by? reverse?", SortFilters.DictSort },
        { "e", "", TextFilters.Escape },
        { "escape", "", TextFilters.Escape },
        { "first", "", SequenceFilters.First },
        { "float", "default?", NumberFilters.Float },
        { "format", "* **", TextFilters.Format },
        { "groupby", "attribute default? case_sensitive?", SortFilters.GroupBy },
        { "indent", "width? first? blank?", TextFilters.Indent },
        { "int", "default? base?", NumberFilters.Int },
        { "items", "", SequenceFilters.Items },
        { "join", "d? attribute?", TextFilters.Join },
        { "last", "", SequenceFilters.Last },
        { "length", "", Length },
        { "list", "", call => new ListValue(call.SubjectItems()) },
        { "lower", "", call => OnText(call, TextCase.Lower) },
        { "map", "* **", SelectionFilters.Map },
        { "max", "case_sensitive? attribute?", call => SortFilters.Extreme(call, 1) },
        { "min", "case_sensitive? attribute?", call => SortFilters.Extreme(call, -1) },
        { "reject", "* **", call => SelectionFilters.Select(call, byAttribute: false, keeps: false) },
        { "rejectattr", "* **", call => SelectionFilters.Select(call, byAttribute: true, keeps: false) },
        { "replace", "old new count?", TextFilters.Replace },
        { "reverse", "", SequenceFilters.Reverse },
        { "round", "precision? method?", NumberFilters.Round },
        { "safe", "", call => call.SubjectAsText() },
        { "select", "* **", call => SelectionFilters.Select(call, byAttribute: false, keeps: true) },
        { "selectattr", "* **", call => SelectionFilters.Select(call, byAttribute: true, keeps: true) },
        { "slice", "slices fill_with?", SequenceFilters.Slice },
        { "sort", "reverse? case_sensitive? attribute?", SortFilters.Sort },
        { "string", "", call => call.SubjectAsText() },
        { "sum", "attribute? start?", NumberFilters.Sum },
        { "title", "", call => OnText(call, TextFilters.Title) },
        { "tojson", "ensure_ascii? indent? separators? sort_keys?", JsonFilter.Apply },
        { "trim", "chars?", call => TextCutting.Strip(call.SubjectAsText(), call.TextOrNull(0), atStart: true, atEnd: true) },
        { "unique", "case_sensitive? attribute?", SortFilters.Unique },
        { "upper", "", call => OnText(call, TextCase.Upper) },
        { "wordcount", "", TextFilters.WordCount },
    };

    public static bool Has(string name) => Table.ContainsKey(name);

    public static object? Apply(string name, object? input, Arguments arguments, Interpreter interpreter)
        => Table.TryGetValue(name, out var filter)
            ? filter.Apply(interpreter, input, arguments)
            : throw new JinjaFault($"the filter '{name}' is not supported; supported are {Table.Names}");

    private static Text OnText(NativeCall call, Func<string, string> change)
    {
        var text = call.SubjectAsText();
        call.Budget.Text(text.Value.Length);
        return text.Derive(change(text.Value));
    }

    private static object? Length(NativeCall call)
        => ValueTypes.LengthOf(call.Subject) is { } length ? new BigInteger(length) : throw new JinjaFault($"{ValueTypes.Name(call.Subject)} has no length");

    private static object? Default(NativeCall call)
        => call.Subject is Undefined || (call.Flag(1) && !ValueTypes.IsTrue(call.Subject)) ? (call.Has(0) ? call[0] : Text.Empty) : call.Subject;

    private static object? Attr(NativeCall call)
        => Members.TryAttribute(call.Subject, call.Text(0).Value, out var value) ? value : new Undefined(() => Members.DescribeMissing(call.Subject, call.Text(0).Value));
}
