using Sluice.Engine.Requests;

namespace Sluice.Engine.Stopping;

/// <summary>
/// Tells whether the tokens so far end in a loop. For every period that a loop may have it counts how many of the last
/// tokens equal the one a period before: a token costs as many comparisons as there are periods, however long the text.
/// </summary>
internal sealed class RepetitionDetector(RepetitionCondition condition)
{
    // The last tokens, in a ring; and by period − 1, how many of the last tokens are repetitions at that distance.
    private readonly int[] _recent = new int[condition.LongestPeriod];
    private readonly int[] _equal = new int[condition.LongestPeriod];
    private int _at;
    private int _known;

    /// <summary>Takes the next token; gives the shortest loop that the text now ends in, where there is one.</summary>
    public (int Period, int Repeats)? Append(int token)
    {
        (int, int)? loop = null;
        var before = _at;
        for (var period = 1; period <= _known; period++)
        {
            before = before == 0 ? _recent.Length - 1 : before - 1;
            if (_recent[before] != token)
            {
                _equal[period - 1] = 0;
                continue;
            }

            // The first turn equals nothing before it.
            var covered = ++_equal[period - 1] + period;
            if (loop is null && covered >= condition.LeastTokens && covered >= (long)condition.LeastRepeats * period)
            {
                loop = (period, covered / period);
            }
        }

        _recent[_at] = token;
        _at = _at + 1 == _recent.Length ? 0 : _at + 1;
        _known = Math.Min(_known + 1, _recent.Length);
        return loop;
    }
}
