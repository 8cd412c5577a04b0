namespace Sluice.Engine.Tokens;

/// <summary>
/// Cuts a text that arrives in pieces at the first stop string. Text is held back only while it can still become a
/// stop string: what is held is always the longest end of the text that begins one. The stop string that is complete
/// first ends the text; of several that are complete at the same character, the longest. Each stop string is followed
/// by its own automaton of Knuth, Morris and Pratt (1977), so a character costs constant time on average whatever the
/// text. Not safe for use by many threads.
/// </summary>
internal sealed class StopMatcher
{
    private readonly Automaton[] _automatons;
    private char[] _held = [];
    private char[] _released = [];

    /// <param name="stops">The stop strings, none of them empty.</param>
    public StopMatcher(IReadOnlyList<string> stops)
    {
        // Longest first, and in the given order among equals: so the first that matches is the one to take.
        _automatons = [.. stops.OrderByDescending(stop => stop.Length).Select(stop => new Automaton(stop))];
    }

    /// <summary>Whether a stop string was met; the text is over then.</summary>
    public bool Stopped => Matched is not null;

    /// <summary>The stop string that was met.</summary>
    public string? Matched { get; private set; }

    /// <summary>Number of characters that are held back.</summary>
    public int HeldCount { get; private set; }

    /// <summary>
    /// Takes more text and returns what is certain now; the last of it where <see cref="Stopped"/> becomes true. It is
    /// valid until the next call, or as long as <paramref name="text"/> is.
    /// </summary>
    public ReadOnlySpan<char> Append(ReadOnlySpan<char> text)
    {
        if (Stopped)
            return [];

        for (var i = 0; i < text.Length; i++)
        {
            if (Step(text[i]) is { } stop)
            {
                var before = Release(text[..(i + 1)], stop.Length);
                Matched = stop;
                HeldCount = 0;
                return before;
            }
        }

        var hold = 0;
        foreach (var automaton in _automatons)
            hold = Math.Max(hold, automaton.Length);

        return HeldCount == 0 && hold == 0 ? text : Release(text, hold);
    }

    /// <summary>Ends the text: returns what was held back, which was no stop string after all. It is valid until the next call.</summary>
    public ReadOnlySpan<char> Flush()
    {
        var rest = _held.AsSpan(0, HeldCount);
        HeldCount = 0;
        foreach (var automaton in _automatons)
            automaton.Reset();

        return rest;
    }

    private string? Step(char next)
    {
        string? stop = null;
        foreach (var automaton in _automatons)
        {
            if (automaton.Step(next))
                stop ??= automaton.Stop;
        }

        return stop;
    }

    /// <summary>Returns what is held and the text without the last <paramref name="hold"/> characters, which are held from now on.</summary>
    private ReadOnlySpan<char> Release(ReadOnlySpan<char> text, int hold)
    {
        var held = _held.AsSpan(0, HeldCount);
        var count = held.Length + text.Length - hold;
        var fromHeld = Math.Min(count, held.Length);
        var fromText = count - fromHeld;
        if (_released.Length < count)
            Array.Resize(ref _released, Math.Max(count, 2 * _released.Length));

        held[..fromHeld].CopyTo(_released);
        text[..fromText].CopyTo(_released.AsSpan(fromHeld));

        var kept = held.Length - fromHeld;
        if (_held.Length < hold)
            Array.Resize(ref _held, Math.Max(hold, 2 * _held.Length));

        _held.AsSpan(fromHeld, kept).CopyTo(_held);
        text[fromText..].CopyTo(_held.AsSpan(kept));
        HeldCount = hold;
        return _released.AsSpan(0, count);
    }

    /// <summary>Knows how much of its stop string the text ends with.</summary>
    private sealed class Automaton
    {
        // At i: the length of the longest proper prefix of the stop string's first i + 1 characters that also ends them.
        private readonly int[] _borders;

        public Automaton(string stop)
        {
            ArgumentException.ThrowIfNullOrEmpty(stop);
            Stop = stop;
            _borders = new int[stop.Length];
            for (var i = 1; i < stop.Length; i++)
            {
                var border = _borders[i - 1];
                while (border > 0 && stop[i] != stop[border])
                    border = _borders[border - 1];

                _borders[i] = stop[i] == stop[border] ? border + 1 : 0;
            }
        }

        public string Stop { get; }

        /// <summary>Characters at the text's end that are the beginning of the stop string.</summary>
        public int Length { get; private set; }

        /// <summary>Takes the text's next character; says whether the stop string is complete.</summary>
        public bool Step(char next)
        {
            while (Length > 0 && Stop[Length] != next)
                Length = _borders[Length - 1];

            if (Stop[Length] == next)
                Length++;

            return Length == Stop.Length;
        }

        public void Reset() => Length = 0;
    }
}
