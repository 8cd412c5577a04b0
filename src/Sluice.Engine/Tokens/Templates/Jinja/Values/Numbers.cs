using System.Numerics;

namespace Sluice.Engine.Tokens.Templates.Jinja.Values;

/// <summary>Comparing Python's numbers: booleans are 0 and 1, and integers compare with floats by their exact value.</summary>
internal static class Numbers
{
    public static bool AreEqual(object x, object y) => Compare(x, y) == 0;

    /// <summary>Less than 0, 0 or more than 0; null where one is not a number (NaN), which is neither.</summary>
    public static int? Compare(object x, object y)
    {
        if (ValueTypes.AsInteger(x) is { } left)
        {
            return ValueTypes.AsInteger(y) is { } right ? left.CompareTo(right) : CompareExactly(left, (double)y);
        }

        if (ValueTypes.AsInteger(y) is { } other)
        {
            return -CompareExactly(other, (double)x);
        }

        var (a, b) = ((double)x, (double)y);
        return double.IsNaN(a) || double.IsNaN(b) ? null : a.CompareTo(b);
    }

    /// <summary>Equal for equal numbers, whatever their type.</summary>
    public static int Hash(object number) => number switch
    {
        double value when !double.IsFinite(value) || value != Math.Floor(value) => value.GetHashCode(),
        double value => new BigInteger(value).GetHashCode(),
        _ => ValueTypes.AsInteger(number)!.Value.GetHashCode(),
    };

    private static int? CompareExactly(BigInteger integer, double floating)
    {
        if (double.IsNaN(floating))
        {
            return null;
        }

        if (double.IsInfinity(floating))
        {
            return floating > 0 ? -1 : 1;
        }

        var floor = Math.Floor(floating);
        var order = integer.CompareTo(new BigInteger(floor));
        return order == 0 && floor < floating ? -1 : order;
    }
}
