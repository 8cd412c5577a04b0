namespace Sluice.Engine.Tokens.Templates.Jinja.Values;

/// <summary>Going through values item by item.</summary>
internal static class Iteration
{
    public static bool IsIterable(object? value) => value is Text or Sequence or DictValue or DictView or RangeValue or IteratorValue or Undefined;

    /// <summary>The value's items, one at a time. Lists are read by index, because the template may change them meanwhile.</summary>
    /// <exception cref="JinjaFault">It has no items.</exception>
    public static IEnumerable<object?> Over(object? value) => value switch
    {
        Text text => OverText(text),
        Sequence sequence => OverIndexes(() => sequence.Items.Count, i => sequence.Items[i]),
        DictValue dict => OverIndexes(() => dict.Count, i => dict.At(i).Key),
        DictView view => OverIndexes(() => view.Count, i => view[i]),
        RangeValue range => OverIndexes(() => range.Count, i => range[i]),
        IteratorValue iterator => OverIterator(iterator),
        Undefined => [],
        _ => throw new JinjaFault($"{ValueTypes.Name(value)} has no items to go through"),
    };

    /// <summary>All items, paid for one by one.</summary>
    public static List<object?> ToList(object? value, Budget budget)
    {
        // An item that is made on the way takes about three times the memory of one that is there already.
        var cost = value is Text or DictView ? 3 : 1;
        var items = new List<object?>();
        foreach (var item in Over(value))
        {
            budget.Step(cost);
            items.Add(item);
        }

        return items;
    }

    private static IEnumerable<object?> OverText(Text text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            yield return text.Part(text.OffsetOf(i), text.OffsetOf(i + 1));
        }
    }

    private static IEnumerable<object?> OverIndexes(Func<int> count, Func<int, object?> item)
    {
        for (var i = 0; i < count(); i++)
        {
            yield return item(i);
        }
    }

    private static IEnumerable<object?> OverIterator(IteratorValue iterator)
    {
        while (iterator.TryTake(out var item))
        {
            yield return item;
        }
    }
}
