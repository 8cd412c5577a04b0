namespace Sluice.Engine.Tokens.Templates.Jinja.Values;

/// <summary>A stable sort that lets a fault of the comparison through as it is.</summary>
internal static class Sorting
{
    public static List<T> Sort<T>(List<T> items, Comparison<T> compare)
    {
        if (items.Count < 2)
        {
            return items;
        }

        var middle = items.Count / 2;
        var left = Sort(items[..middle], compare);
        var right = Sort(items[middle..], compare);
        var merged = new List<T>(items.Count);
        var (l, r) = (0, 0);
        while (l < left.Count && r < right.Count)
        {
            merged.Add(compare(right[r], left[l]) < 0 ? right[r++] : left[l++]);
        }

        merged.AddRange(left[l..]);
        merged.AddRange(right[r..]);
        return merged;
    }
}
