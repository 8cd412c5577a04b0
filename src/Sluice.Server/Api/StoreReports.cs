using Sluice.Streams.Storage;

namespace Sluice.Server.Api;

/// <summary>Opens the store of streams, and tells the operator what it has to say.</summary>
internal static partial class StoreReports
{
    /// <exception cref="StorageException">It cannot be opened.</exception>
    public static StreamStore Open(StoreOptions options, TimeProvider clock, ILoggerFactory loggers)
    {
        var log = loggers.CreateLogger("Sluice.Storage");
        return StreamStore.Open(options, clock, sentence => Report(log, options.Folder, sentence));
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Folder}: {Sentence}")]
    private static partial void Report(ILogger log, string folder, string sentence);
}
