using System.Collections.ObjectModel;
using System.Numerics;

namespace Sluice.Engine.Tokens.Templates.Jinja.Values;

/// <summary>A list or a tuple.</summary>
internal abstract class Sequence
{
    public abstract IReadOnlyList<object?> Items { get; }
}

/// <summary>Python's list. The template may change those that it made, and its own copies of what it was given.</summary>
internal sealed class ListValue(List<object?> items) : Sequence
{
    public override IReadOnlyList<object?> Items => items;

    public List<object?> Content => items;
}

/// <summary>Python's tuple.</summary>
internal class TupleValue(IList<object?> items) : Sequence
{
    public override IReadOnlyList<object?> Items { get; } = new ReadOnlyCollection<object?>(items);
}

/// <summary>What the filter 'groupby' gives for each group: a tuple whose two items have names.</summary>
internal sealed class GroupValue(object? grouper, ListValue list) : TupleValue([grouper, list])
{
    public object? Grouper => grouper;

    public ListValue List => list;
}

/// <summary>Python's range: numbers that are not stored.</summary>
internal sealed class RangeValue(BigInteger start, BigInteger stop, BigInteger step)
{
    public BigInteger Start => start;

    public BigInteger Stop => stop;

    public BigInteger Step => step;

    /// <summary>How many numbers; the limit of ranges keeps it small.</summary>
    public int Count { get; } = (int)CountOf(start, stop, step);

    public BigInteger this[int index] => start + (index * step);

    public static BigInteger CountOf(BigInteger start, BigInteger stop, BigInteger step)
    {
        var distance = step.Sign > 0 ? stop - start : start - stop;
        var width = BigInteger.Abs(step);
        return distance.Sign <= 0 ? 0 : (distance + width - 1) / width;
    }
}

/// <summary>What map, select and their like give: items to be gone through once. Always true, and without a length.</summary>
internal sealed class IteratorValue(IReadOnlyList<object?> items)
{
    private int _next;

    public bool TryTake(out object? item)
    {
        var found = _next < items.Count;
        item = found ? items[_next++] : null;
        return found;
    }
}

internal enum DictPart
{
    Keys,
    Values,
    Items,
}

/// <summary>What keys(), values() and items() give.</summary>
internal sealed class DictView(DictValue dict, DictPart part)
{
    public int Count => dict.Count;

    public DictPart Part => part;

    public object? this[int index] => part switch
    {
        DictPart.Keys => dict.At(index).Key,
        DictPart.Values => dict.At(index).Value,
        _ => new TupleValue([dict.At(index).Key, dict.At(index).Value]),
    };
}

/// <summary>What namespace() gives: attributes that inner scopes can set.</summary>
internal sealed class NamespaceValue
{
    public DictValue Attributes { get; } = new();
}
