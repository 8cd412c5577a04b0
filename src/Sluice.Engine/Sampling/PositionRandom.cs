namespace Sluice.Engine.Sampling;

/// <summary>Random numbers that depend on the seed, the choice and the position only, so that any position can be drawn again.</summary>
internal static class PositionRandom
{
    /// <summary>A number from 0 (included) to 1 (excluded), with 53 random bits.</summary>
    public static double Draw(ulong seed, int choice, int position)
    {
        var mixed = Mix(Mix(Mix(seed) ^ (uint)choice) ^ (uint)position);
        return (mixed >> 11) * (1.0 / (1UL << 53));
    }

    /// <summary>SplitMix64's step and output function (Steele, Lea and Flood, OOPSLA 2014).</summary>
    private static ulong Mix(ulong value)
    {
        value += 0x9E3779B97F4A7C15;
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
