namespace Sluice.Engine.Kernels;

/// <summary>
/// A matrix's row groups, cut into parts: one long one for each thread, which it reads without a stop, and from the last
/// quarter short ones, by which the threads that are done first make up for a slow core. None is too small to be worth
/// handing out. (Equal parts: a 1B model decoded 3 % slower.)
/// </summary>
internal readonly struct GroupParts
{
    /// <summary>Products that are worth a part: about 10 µs at the rates of one core.</summary>
    private const long SmallestPart = 128 * 1024;

    private const int ShortPerThread = 8;

    private readonly int _groups;
    private readonly int _long;
    private readonly int _short;
    private readonly int _inLong;

    /// <param name="groups">Row groups.</param>
    /// <param name="work">Products to compute over all of them.</param>
    /// <param name="threads">Threads.</param>
    public GroupParts(int groups, long work, int threads)
    {
        _groups = groups;
        _short = (int)Math.Min(work / 4 / SmallestPart, Math.Min(groups / 4, ShortPerThread * threads));
        if (_short >= threads && threads > 1)
        {
            _long = threads;
            _inLong = groups - (groups / 4);
        }
        else
        {
            _long = threads == 1 ? 1 : (int)Math.Clamp(work / SmallestPart, 1, Math.Min(groups, threads));
            _short = 0;
            _inLong = groups;
        }
    }

    /// <summary>How many there are.</summary>
    public int Count => _long + _short;

    /// <summary>The row groups of a part. A pool hands the last parts out first: those are the long ones.</summary>
    public (int First, int End) this[int part] => part >= _short
        ? Cut(0, _inLong, part - _short, _long)
        : Cut(_inLong, _groups, part, _short);

    private static (int First, int End) Cut(int first, int end, int part, int parts)
        => (first + (int)((long)(end - first) * part / parts), first + (int)((long)(end - first) * (part + 1) / parts));
}
