namespace Sluice.Engine;

/// <summary>An engine at one moment, in numbers.</summary>
public readonly record struct EngineStatus
{
    /// <summary>KV blocks that there are.</summary>
    public int KvBlocks { get; init; }

    /// <summary>Of these, those that nobody needs.</summary>
    public int FreeKvBlocks { get; init; }

    /// <summary>Of these, those that no sequence holds and that are kept to be found again.</summary>
    public int CachedKvBlocks { get; init; }

    /// <summary>The others: those that sequences hold.</summary>
    public int UsedKvBlocks => KvBlocks - FreeKvBlocks - CachedKvBlocks;

    /// <summary>Requests that wait for their first step.</summary>
    public int QueuedRequests { get; init; }

    /// <summary>Tokens of their prompts.</summary>
    public long QueuedTokens { get; init; }

    /// <summary>Steps that were computed.</summary>
    public long Steps { get; init; }

    /// <summary>Rows that these steps had: tokens of answers, and of prompts.</summary>
    public long StepRows { get; init; }

    /// <summary>Steps that failed since the last one that did not.</summary>
    public int FaultsInARow { get; init; }

    /// <summary>How long the step has been computed that is under way; zero where none is.</summary>
    public TimeSpan StepTime { get; init; }

    /// <summary>How often a sequence gave its blocks up because others needed the memory.</summary>
    public long Preemptions { get; init; }
}
