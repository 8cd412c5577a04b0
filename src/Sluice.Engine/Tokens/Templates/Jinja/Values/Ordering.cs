using System.Numerics;

namespace Sluice.Engine.Tokens.Templates.Jinja.Values;

/// <summary>Equality, order and membership of values, as Python has them.</summary>
internal static class Ordering
{
    public static bool AreEqual(object? x, object? y, Budget budget)
    {
        budget.Step();
        switch (x, y)
        {
            case (null, null):
            case (Undefined, Undefined):
                return true;
            case (Text left, Text right):
                budget.StepText(Math.Min(left.Value.Length, right.Value.Length));
                return left.Value == right.Value;
            case (bool or BigInteger or double, bool or BigInteger or double):
                return Numbers.AreEqual(x!, y!);
            case (ListValue left, ListValue right):
                return SequencesAreEqual(left, right, budget);
            case (TupleValue left, TupleValue right):
                return SequencesAreEqual(left, right, budget);
            case (DictValue left, DictValue right):
                return DictsAreEqual(left, right, budget);
            case (RangeValue left, RangeValue right):
                return left.Count == right.Count && (left.Count == 0 || (left.Start == right.Start && (left.Count == 1 || left.Step == right.Step)));
            default:
                return ReferenceEquals(x, y);
        }
    }

    /// <summary>Less than 0, 0 or more than 0; null where a number is not a number (NaN).</summary>
    /// <param name="x">Left.</param>
    /// <param name="y">Right.</param>
    /// <param name="sign">The operator, for the message of the fault.</param>
    /// <param name="budget">Pays.</param>
    /// <exception cref="JinjaFault">The two have no order.</exception>
    public static int? Compare(object? x, object? y, string sign, Budget budget)
    {
        budget.Step();
        switch (x, y)
        {
            case (Undefined undefined, _):
                throw undefined.Fault();
            case (_, Undefined undefined):
                throw undefined.Fault();
            case (Text left, Text right):
                budget.StepText(Math.Min(left.Value.Length, right.Value.Length));
                return CompareCodePoints(left.Value, right.Value);
            case (bool or BigInteger or double, bool or BigInteger or double):
                return Numbers.Compare(x!, y!);
            case (ListValue left, ListValue right):
                return CompareSequences(left, right, sign, budget);
            case (TupleValue left, TupleValue right):
                return CompareSequences(left, right, sign, budget);
            default:
                throw new JinjaFault($"'{sign}' does not compare {ValueTypes.Name(x)} with {ValueTypes.Name(y)}");
        }
    }

    /// <summary><c>item in container</c></summary>
    public static bool Contains(object? container, object? item, Budget budget)
    {
        switch (container)
        {
            case Text text when item is Text part:
                budget.StepText(text.Value.Length);
                return text.Value.Contains(part.Value, StringComparison.Ordinal);
            case Text when item is Undefined undefined:
                throw undefined.Fault();
            case Text:
                throw new JinjaFault($"'in' looks for strings in a string, not for {ValueTypes.Name(item)}");
            case DictValue dict:
                PayForKey(item, budget);
                return item is not Undefined && dict.TryGet(item, out _);
            case DictView { Part: DictPart.Keys } or Sequence or DictView or RangeValue or IteratorValue or Undefined:
                foreach (var candidate in Iteration.Over(container))
                {
                    if (AreEqual(candidate, item, budget))
                    {
                        return true;
                    }
                }

                return false;
            default:
                throw new JinjaFault($"'in' needs a string, a list or a dictionary on its right side, not {ValueTypes.Name(container)}");
        }
    }

    /// <summary>Pays for finding a key: it is read once for its hash.</summary>
    public static void PayForKey(object? key, Budget budget) => budget.StepText(key is Text text ? text.Value.Length : 0);

    /// <summary>Strings by code points: UTF-16 has surrogates below the last part of its first plane.</summary>
    private static int CompareCodePoints(string x, string y)
    {
        var common = x.AsSpan().CommonPrefixLength(y);
        if (common == x.Length || common == y.Length)
        {
            return x.Length.CompareTo(y.Length);
        }

        return (char.IsSurrogate(x[common]), char.IsSurrogate(y[common])) switch
        {
            (true, false) => 1,
            (false, true) => -1,
            _ => x[common].CompareTo(y[common]),
        };
    }

    private static bool SequencesAreEqual(Sequence x, Sequence y, Budget budget)
    {
        if (x.Items.Count != y.Items.Count)
        {
            return false;
        }

        budget.Enter();
        for (var i = 0; i < x.Items.Count; i++)
        {
            if (!AreEqual(x.Items[i], y.Items[i], budget))
            {
                budget.Leave();
                return false;
            }
        }

        budget.Leave();
        return true;
    }

    private static bool DictsAreEqual(DictValue x, DictValue y, Budget budget)
    {
        if (x.Count != y.Count)
        {
            return false;
        }

        budget.Enter();
        for (var i = 0; i < x.Count; i++)
        {
            var (key, value) = x.At(i);
            PayForKey(key, budget);
            if (!y.TryGet(key, out var other) || !AreEqual(value, other, budget))
            {
                budget.Leave();
                return false;
            }
        }

        budget.Leave();
        return true;
    }

    private static int? CompareSequences(Sequence x, Sequence y, string sign, Budget budget)
    {
        budget.Enter();
        int? order = 0;
        for (var i = 0; i < x.Items.Count && i < y.Items.Count; i++)
        {
            if (!AreEqual(x.Items[i], y.Items[i], budget))
            {
                order = Compare(x.Items[i], y.Items[i], sign, budget);
                budget.Leave();
                return order;
            }
        }

        budget.Leave();
        return x.Items.Count.CompareTo(y.Items.Count);
    }
}
