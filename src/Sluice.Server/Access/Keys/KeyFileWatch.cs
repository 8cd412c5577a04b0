using System.Collections.Immutable;
using Sluice.Server.Configuration;

namespace Sluice.Server.Access.Keys;

/// <summary>
/// Keeps a ring as its file says. It compares the file's content every second, which works on every file system and
/// through every kind of link, and goes by what it has seen twice, so that a file half written counts for nothing. A
/// file that cannot be used leaves the keys as they are.
/// </summary>
internal sealed partial class KeyFileWatch : IDisposable
{
    /// <summary>How often it looks.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly string _path;
    private readonly Action<ImmutableArray<KeyEntry>> _replace;
    private readonly ILogger _log;
    private readonly ITimer _timer;
    private readonly Lock _gate = new();
    private Content _used;
    private Content _seen;
    private bool _disposed;

    /// <param name="path">The file.</param>
    /// <param name="used">What the keys were made of.</param>
    /// <param name="replace">Takes the new keys.</param>
    /// <param name="clock">When to look.</param>
    /// <param name="log">Told of new keys, and of files that cannot be used.</param>
    public KeyFileWatch(string path, byte[] used, Action<ImmutableArray<KeyEntry>> replace, TimeProvider clock, ILogger log)
    {
        (_path, _replace, _log) = (path, replace, log);
        _used = _seen = new Content(used, null);
        _timer = clock.CreateTimer(static watch => ((KeyFileWatch)watch!).Look(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _timer.Change(Interval, Timeout.InfiniteTimeSpan);
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            _timer.Dispose();
        }
    }

    private void Look()
    {
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            var now = Read();
            if (!now.Equals(_used) && now.Equals(_seen))
            {
                _used = now;
                Use(now);
            }

            _seen = now;
            _timer.Change(Interval, Timeout.InfiniteTimeSpan);
        }
    }

    private Content Read()
    {
        try
        {
            return new Content(KeyFile.ReadBytes(_path), null);
        }
        catch (UsageException fault)
        {
            return new Content([], fault.Message);
        }
    }

    private void Use(Content content)
    {
        if (content.Fault is { } fault)
        {
            Unusable(_log, fault);
            return;
        }

        try
        {
            var entries = KeyFile.Parse(_path, content.Bytes);
            _replace(entries);
            Replaced(_log, _path, entries.Length);
        }
        catch (UsageException wrong)
        {
            Unusable(_log, wrong.Message);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "The key file {Path} has changed: {Count} callers now")]
    private static partial void Replaced(ILogger log, string path, int count);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Fault} The keys stay as they were.")]
    private static partial void Unusable(ILogger log, string fault);

    /// <summary>What the file is: its bytes, or why it cannot be read.</summary>
    private readonly record struct Content(byte[] Bytes, string? Fault)
    {
        public bool Equals(Content other) => Fault == other.Fault && Bytes.AsSpan().SequenceEqual(other.Bytes);

        public override int GetHashCode() => HashCode.Combine(Bytes.Length, Fault);
    }
}
