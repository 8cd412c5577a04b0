using Sluice.Engine.Tokens.Templates.Jinja.Values;

namespace Sluice.Engine.Tokens.Templates.Jinja.Functions;

/// <summary>Filters that compare items with each other; strings without regard to case unless told otherwise.</summary>
internal static class SortFilters
{
    public static object? Sort(NativeCall call)
    {
        var paths = call.OrNone(2) is Text text
            ? text.Value.Split(',').Select(part => AttributePath.Of(Text.FromTemplate(part))).ToList()
            : [AttributePath.Of(call, 2)];
        var keyed = call.SubjectItems().ConvertAll(item => (Key: new TupleValue([.. paths.Select(path => Key(path.Get(item), call.Flag(1)))]), Item: item));
        var direction = call.Flag(0) ? -1 : 1;
        return new ListValue(Sorting.Sort(keyed, (x, y) => direction * Compare(x.Key, y.Key, call)).ConvertAll(pair => pair.Item));
    }

    public static object? DictSort(NativeCall call)
    {
        if (call.Subject is not DictValue dict)
        {
            throw call.Subject is Undefined undefined ? undefined.Fault() : new JinjaFault($"'dictsort' takes a dictionary, not {ValueTypes.Name(call.Subject)}");
        }

        var by = call.TextOrNull(1)?.Value ?? "key";
        if (by is not ("key" or "value"))
        {
            throw new JinjaFault("'dictsort' sorts by 'key' or by 'value'");
        }

        var pairs = Iteration.ToList(new DictView(dict, DictPart.Items), call.Budget);
        var keyed = pairs.ConvertAll<(object? Key, object? Pair)>(pair => (Key: Key(((TupleValue)pair!).Items[by == "key" ? 0 : 1], call.Flag(0)), Pair: pair));
        var direction = call.Flag(2) ? -1 : 1;
        return new ListValue(Sorting.Sort(keyed, (x, y) => direction * Compare(x.Key, y.Key, call)).ConvertAll(pair => pair.Pair));
    }

    public static object? GroupBy(NativeCall call)
    {
        var path = AttributePath.Of(call[0], call.OrNone(1));
        var keyed = call.SubjectItems().ConvertAll(item => (Key: Key(path.Get(item), call.Flag(2)), Item: item));
        var groups = new List<object?>();
        object? last = null;
        foreach (var (key, item) in Sorting.Sort(keyed, (x, y) => Compare(x.Key, y.Key, call)))
        {
            if (groups.Count > 0 && Ordering.AreEqual(last, key, call.Budget))
            {
                ((GroupValue)groups[^1]!).List.Content.Add(item);
            }
            else
            {
                groups.Add(new GroupValue(path.Get(item), new ListValue([item])));
            }

            last = key;
        }

        return new ListValue(groups);
    }

    public static object? Unique(NativeCall call)
    {
        var path = AttributePath.Of(call, 1);
        var seen = new DictValue();
        var result = new List<object?>();
        foreach (var item in call.SubjectItems())
        {
            var key = Key(path.Get(item), call.Flag(0));
            if (!seen.TryGet(key, out _))
            {
                seen.Set(key, null);
                result.Add(item);
            }
        }

        return new IteratorValue(result);
    }

    /// <summary>The least item, or the greatest where <paramref name="direction"/> is 1; of equals the first.</summary>
    public static object? Extreme(NativeCall call, int direction)
    {
        var path = AttributePath.Of(call, 1);
        var items = call.SubjectItems();
        if (items.Count == 0)
        {
            return new Undefined("'min' and 'max' of something without items are undefined");
        }

        var (best, bestKey) = (items[0], Key(path.Get(items[0]), call.Flag(0)));
        foreach (var item in items.Skip(1))
        {
            var key = Key(path.Get(item), call.Flag(0));
            if (direction * Compare(key, bestKey, call) > 0)
            {
                (best, bestKey) = (item, key);
            }
        }

        return best;
    }

    private static int Compare(object? x, object? y, NativeCall call) => Ordering.Compare(x, y, "<", call.Budget) ?? 0;

    private static object? Key(object? value, bool isCaseSensitive) => value is Text text && !isCaseSensitive ? Text.FromData(TextCase.Lower(text.Value)) : value;
}
