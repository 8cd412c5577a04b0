using System.Diagnostics.Tracing;
using Microsoft.Diagnostics.NETCore.Client;
using Microsoft.Diagnostics.Tracing;
using Microsoft.Diagnostics.Tracing.Parsers;

namespace Sluice.Benchmarks.Serving.Servers;

/// <summary>A server's memory at a moment.</summary>
/// <param name="ManagedBytes">Its heap right after a full collection; null of a server that is not .NET.</param>
/// <param name="ResidentBytes">Its memory that is in RAM; null where its process is not known.</param>
internal readonly record struct MemoryReading(double? ManagedBytes, double? ResidentBytes)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public static async Task<MemoryReading> TakeAsync(Target target)
    {
        if (target.ProcessId is not { } pid)
            return default;

        var managed = await Task.Run(() => CollectAndMeasure(pid));
        return new MemoryReading(managed, target.ReadProcess()?.ResidentBytes);
    }

    /// <summary>
    /// Has the process collect its garbage and reads the heap's size off the collection's own event, over .NET's
    /// diagnostics port: nothing of the server has to be built for it.
    /// </summary>
    private static double? CollectAndMeasure(int pid)
    {
        if (!DiagnosticsClient.GetPublishedProcesses().Contains(pid))
            return null;

        const ClrTraceEventParser.Keywords Keywords = ClrTraceEventParser.Keywords.GC | ClrTraceEventParser.Keywords.GCHeapCollect;
        var client = new DiagnosticsClient(pid);
        using var session = client.StartEventPipeSession(
            [new EventPipeProvider(ClrTraceEventParser.ProviderName, EventLevel.Informational, (long)Keywords)], requestRundown: false);
        using var events = new EventPipeEventSource(session.EventStream);
        using var giveUp = new Timer(_ => session.Stop(), null, Patience, Timeout.InfiniteTimeSpan);
        double? size = null;
        events.Clr.GCHeapStats += heap =>
        {
            if (size is not null)
                return;

            size = heap.TotalHeapSize;
            session.Stop();
        };
        events.Process();
        return size;
    }
}
