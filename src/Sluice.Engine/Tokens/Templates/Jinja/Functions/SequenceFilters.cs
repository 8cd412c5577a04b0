using Sluice.Engine.Tokens.Templates.Jinja.Values;

namespace Sluice.Engine.Tokens.Templates.Jinja.Functions;

/// <summary>Filters on lists, and on whatever has items.</summary>
internal static class SequenceFilters
{
    /// <summary>A list takes the memory of several ordinary steps.</summary>
    private const int StepsPerList = 4;

    public static object? First(NativeCall call)
    {
        foreach (var item in Iteration.Over(call.Subject))
        {
            return item;
        }

        return new Undefined("'first' of something without items is undefined");
    }

    public static object? Last(NativeCall call)
    {
        if (call.Subject is IteratorValue)
        {
            throw new JinjaFault("'last' cannot go through this from its end; make a list of it first: '| list | last'");
        }

        if (call.Subject is Text or Sequence or RangeValue)
        {
            return Slicing.TryItem(call.Subject, -1, out var item) ? item : NoLast();
        }

        var items = call.SubjectItems();
        return items.Count > 0 ? items[^1] : NoLast();
    }

    public static object? Reverse(NativeCall call)
    {
        if (call.Subject is Text text)
        {
            Slicing.TrySlice(text, null, null, System.Numerics.BigInteger.MinusOne, call.Budget, out var reversed);
            return reversed;
        }

        var items = call.SubjectItems();
        items.Reverse();
        return call.Subject is IteratorValue ? new ListValue(items) : new IteratorValue(items);
    }

    public static object? Items(NativeCall call) => call.Subject switch
    {
        DictValue dict => new IteratorValue(Iteration.ToList(new DictView(dict, DictPart.Items), call.Budget)),
        Undefined => new IteratorValue([]),
        _ => throw new JinjaFault($"'items' takes a dictionary, not {ValueTypes.Name(call.Subject)}"),
    };

    /// <summary>Lists of so many items, the last one filled up where that is wanted.</summary>
    public static object? Batch(NativeCall call)
    {
        var (count, fill) = (call.Int(0, 0), call.OrNone(1));
        var batches = new List<object?>();
        var batch = new List<object?>();
        foreach (var item in call.SubjectItems())
        {
            if (batch.Count == count)
            {
                call.Budget.Step(StepsPerList);
                batches.Add(new ListValue(batch));
                batch = [];
            }

            batch.Add(item);
        }

        if (batch.Count > 0)
        {
            Fill(batch, fill, count - batch.Count, call.Budget);
            batches.Add(new ListValue(batch));
        }

        return new IteratorValue(batches);
    }

    /// <summary>So many lists, of which the first have one item more where the items do not come out even.</summary>
    public static object? Slice(NativeCall call)
    {
        var (items, count, fill) = (call.SubjectItems(), call.Int(0, 0), call.OrNone(1));
        if (count <= 0)
        {
            throw new JinjaFault("'slice' needs a positive number of slices");
        }

        call.Budget.Step((long)count * StepsPerList);
        var (size, longer) = (items.Count / count, items.Count % count);
        var slices = new List<object?>();
        var start = 0;
        for (var i = 0; i < count; i++)
        {
            var slice = items.GetRange(start, size + (i < longer ? 1 : 0));
            start += slice.Count;
            Fill(slice, fill, i >= longer ? 1 : 0, call.Budget);
            slices.Add(new ListValue(slice));
        }

        return new IteratorValue(slices);
    }

    private static void Fill(List<object?> items, object? fill, int count, Budget budget)
    {
        if (fill is null || count <= 0)
        {
            return;
        }

        budget.Step(count);
        items.AddRange(Enumerable.Repeat<object?>(fill, count));
    }

    private static Undefined NoLast() => new("'last' of something without items is undefined");
}
