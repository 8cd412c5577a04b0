namespace Sluice.Streams;

/// <summary>What happened to all streams of a registry so far. Counts only grow; any thread may read them.</summary>
public sealed class StreamCounters
{
    private readonly long[] _stopped = new long[Enum.GetValues<StopCause>().Length];
    private long _delivered;
    private long _cutReaders;

    /// <summary>Generated tokens that were handed to a reader's connection; told to several readers, they count for each.</summary>
    public long DeliveredTokens => Interlocked.Read(ref _delivered);

    /// <summary>Readers that were cut off because they took nothing; a connection that reads several streams is one.</summary>
    public long CutReaders => Interlocked.Read(ref _cutReaders);

    /// <summary>Streams that were stopped for this cause.</summary>
    public long Stopped(StopCause cause) => Interlocked.Read(ref _stopped[(int)cause]);

    /// <summary>Counts a reader that took nothing for too long.</summary>
    public void ReaderCut() => Interlocked.Increment(ref _cutReaders);

    internal void Delivered(int tokens) => Interlocked.Add(ref _delivered, tokens);

    internal void Stop(StopCause cause) => Interlocked.Increment(ref _stopped[(int)cause]);
}
