namespace Sluice.Server.Parsing;

/// <summary>
/// Finds markers in a text that comes character by character. What may be the beginning of one is held here until it is
/// decided. A marker's first character occurs in it once, so that a beginning that fails cannot hide another but at the
/// character it failed at.
/// </summary>
internal sealed class MarkerScanner(params string[] markers)
{
    private string? _candidate;

    /// <summary>Characters that are held; they begin every marker that is still possible.</summary>
    public int Count { get; private set; }

    /// <summary>The marker that is complete; null where none is.</summary>
    public string? Complete => Count > 0 && Count == _candidate!.Length ? _candidate : null;

    /// <summary>Takes the next character where it goes on with a marker, or begins one.</summary>
    public bool TryExtend(char next)
    {
        foreach (var marker in markers)
        {
            if (Count < marker.Length && marker[Count] == next && (Count == 0 || marker.AsSpan().StartsWith(_candidate.AsSpan(0, Count))))
            {
                _candidate = marker;
                Count++;
                return true;
            }
        }

        return false;
    }

    /// <summary>Gives back what is held: a whole marker, or what is none after all.</summary>
    public string Release()
    {
        var held = _candidate?[..Count] ?? "";
        Count = 0;
        return held;
    }
}
