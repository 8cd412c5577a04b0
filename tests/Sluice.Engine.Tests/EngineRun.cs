using Sluice.Streams;

namespace Sluice.Engine.Tests;

/// <summary>Reads a stream to its end.</summary>
internal static class EngineRun
{
    /// <summary>Every event, ending with the terminal one.</summary>
    public static List<StreamEvent> Events(StreamLog log)
    {
        using var cursor = log.Read();
        var events = new List<StreamEvent>();
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (cursor.WaitToReadAsync(patience.Token).AsTask().GetAwaiter().GetResult())
        {
            while (cursor.TryRead(out var entry))
            {
                events.Add(entry.Event);
            }
        }

        return events;
    }

    /// <summary>The deltas of a stream that finished; fails the test where it failed.</summary>
    public static List<StreamDelta> Deltas(StreamLog log)
    {
        var events = Events(log);
        Assert.IsType<StreamFinished>(events[^1]);
        return [.. events.OfType<StreamDelta>()];
    }

    /// <summary>The generated tokens of one choice.</summary>
    public static int[] Tokens(StreamLog log, int choice = 0)
        => [.. Deltas(log).Where(delta => delta.Choice == choice && !delta.IsPrompt).SelectMany(delta => delta.Tokens).Select(token => token.Id)];
}
