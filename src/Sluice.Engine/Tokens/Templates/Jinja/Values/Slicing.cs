using System.Numerics;

namespace Sluice.Engine.Tokens.Templates.Jinja.Values;

/// <summary>Items and slices by index, as Python counts: from 0, and from the end when negative.</summary>
internal static class Slicing
{
    /// <summary>The item at an index; false where there is none.</summary>
    public static bool TryItem(object? target, BigInteger index, out object? item)
    {
        item = null;
        if (target is not (Text or Sequence or RangeValue))
        {
            return false;
        }

        var length = ValueTypes.LengthOf(target)!.Value;
        var wanted = index.Sign < 0 ? index + length : index;
        if (wanted.Sign < 0 || wanted >= length)
        {
            return false;
        }

        item = At(target, (int)wanted);
        return true;
    }

    /// <summary>A slice; false where the value has none. The bounds are integers, or none where they are left out.</summary>
    public static bool TrySlice(object? target, object? start, object? stop, object? step, Budget budget, out object? slice)
    {
        slice = null;
        if (target is not (Text or Sequence or RangeValue))
        {
            return false;
        }

        var length = ValueTypes.LengthOf(target)!.Value;
        var stride = Bound(step) ?? BigInteger.One;
        if (stride.IsZero)
        {
            throw new JinjaFault("the step of a slice cannot be 0");
        }

        var isForward = stride.Sign > 0;
        var first = Clamp(Bound(start), length, isForward, isForward ? 0 : length - 1);
        var end = Clamp(Bound(stop), length, isForward, isForward ? length : -1);
        var count = (int)RangeValue.CountOf(first, end, stride);
        if (target is Text text && stride.IsOne)
        {
            slice = count == 0 ? Text.Empty : text.Part(text.OffsetOf(first), text.OffsetOf(end));
            budget.Text(((Text)slice).Value.Length);
            return true;
        }

        if (target is RangeValue range)
        {
            slice = new RangeValue(range.Start + (first * range.Step), range.Start + (end * range.Step), range.Step * stride);
            return true;
        }

        budget.Step(count);
        var items = new List<object?>(count);
        for (var i = 0; i < count; i++)
        {
            items.Add(At(target, (int)(first + (i * stride))));
        }

        slice = target switch
        {
            Text => Scattered(items, budget),
            ListValue => new ListValue(items),
            _ => new TupleValue(items),
        };
        return true;
    }

    /// <summary>Characters that did not stand beside each other are data: no template means a special token by them.</summary>
    private static Text Scattered(List<object?> characters, Budget budget)
    {
        var text = new TextBuilder(budget);
        foreach (var character in characters)
        {
            text.AppendData(((Text)character!).Value);
        }

        return text.ToText();
    }

    private static object? At(object? target, int index) => target switch
    {
        Text text => text.Part(text.OffsetOf(index), text.OffsetOf(index + 1)),
        Sequence sequence => sequence.Items[index],
        _ => ((RangeValue)target!)[index],
    };

    private static BigInteger? Bound(object? bound) => bound switch
    {
        null => null,
        Undefined undefined => throw undefined.Fault(),
        _ => ValueTypes.AsInteger(bound) ?? throw new JinjaFault($"the bounds of a slice are integers, not {ValueTypes.Name(bound)}"),
    };

    private static int Clamp(BigInteger? bound, int length, bool isForward, int missing)
    {
        if (bound is not { } value)
        {
            return missing;
        }

        var index = value.Sign < 0 ? value + length : value;
        return index.Sign < 0 ? (isForward ? 0 : -1) : index >= length ? (isForward ? length : length - 1) : (int)index;
    }
}
