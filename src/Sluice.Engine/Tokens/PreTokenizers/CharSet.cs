namespace Sluice.Engine.Tokens.PreTokenizers;

/// <summary>A set of characters: those of some classes, and those in some ranges.</summary>
internal sealed class CharSet
{
    private readonly CharClass _classes;
    private readonly (int First, int Last)[] _ranges;
    private readonly bool _isComplement;

    /// <param name="classes">Classes of which the set has all characters.</param>
    /// <param name="ranges">First and last characters of ranges, in order.</param>
    /// <param name="isComplement">Whether the set is all other characters instead.</param>
    public CharSet(CharClass classes, (int First, int Last)[]? ranges = null, bool isComplement = false)
    {
        _classes = classes;
        _ranges = ranges ?? [];
        _isComplement = isComplement;
    }

    public bool Contains(int character)
        => (Chars.ClassOf(character).IsAny(_classes) || IsInRange(character)) != _isComplement;

    private bool IsInRange(int character)
    {
        var (low, high) = (0, _ranges.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_ranges[middle].Last < character)
                low = middle + 1;
            else
                high = middle;
        }

        return low < _ranges.Length && _ranges[low].First <= character;
    }
}
