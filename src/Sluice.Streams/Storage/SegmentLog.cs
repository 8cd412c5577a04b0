using System.Buffers;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Sluice.Streams.Storage;

/// <summary>
/// Segments on the disk: records are appended to the newest; the oldest is deleted once what it still holds of kept
/// streams was appended again, which is due when more than half of the bytes are of forgotten ones. Segments go in
/// order of age, so that what says that a stream is forgotten outlives what it makes meaningless. Used by the
/// store's writer alone, but for <see cref="FlushNewest"/>.
/// </summary>
internal sealed class SegmentLog : IDisposable
{
    /// <summary>Sealed segments beyond which the oldest is copied, unless the kept streams need as many.</summary>
    private const int MostSealed = 32;

    private readonly ILogFolder _folder;
    private readonly int _segmentBytes;
    private readonly Queue<(string Name, long Bytes)> _sealed = [];
    private readonly Dictionary<long, StreamJournal> _kept = [];
    private readonly ArrayBufferWriter<byte> _buffer = new(64 * 1024);
    private readonly List<(StreamJournal Journal, int Bytes)> _sizes = [];
    private readonly RecordWriter _records = new();
    private volatile ILogFile? _file;
    private string _name = "";
    private uint _nextNumber;
    private uint _salt;
    private long _offset;
    private long _sealedBytes;
    private long _keptBytes;

    public SegmentLog(ILogFolder folder, int segmentBytes, IEnumerable<(uint Number, long Bytes)> existing)
    {
        (_folder, _segmentBytes) = (folder, segmentBytes);
        foreach (var (number, bytes) in existing)
        {
            Seal(SegmentFormat.NameOf(number), bytes);
            _nextNumber = number;
        }

        _nextNumber++;
    }

    /// <summary>Bytes of all segments.</summary>
    public long Bytes => _sealedBytes + _offset;

    /// <summary>Takes a stream over that was read from the segments.</summary>
    public void Keep(StreamJournal journal)
    {
        _kept.Add(journal.Number, journal);
        _keptBytes += journal.Bytes;
    }

    /// <summary>Writes records in one piece. When it throws, none of them counts as written, and the next ones go to a new segment.</summary>
    /// <exception cref="IOException">They could not be written.</exception>
    public void Append(ReadOnlySpan<JournalEntry> entries, bool flush)
    {
        _buffer.ResetWrittenCount();
        _sizes.Clear();
        Begin();
        foreach (var entry in entries)
        {
            var bytes = Encode(entry);
            _sizes.Add((entry.Journal, bytes));
        }

        WriteBuffer(flush);
        for (var i = 0; i < entries.Length; i++)
        {
            Count(entries[i], _sizes[i].Bytes);
        }
    }

    /// <summary>Deletes or copies the oldest segment where that is due; says whether it did.</summary>
    /// <exception cref="IOException">It could not.</exception>
    public bool Clean()
    {
        if (_sealed.Count == 0 || !IsCleaningDue())
        {
            return false;
        }

        var (name, bytes) = _sealed.Peek();
        if (_kept.Count > 0)
        {
            CopyKept(name);
        }

        _folder.Delete(name);
        _sealed.Dequeue();
        _sealedBytes -= bytes;
        return true;
    }

    /// <summary>Makes sure that there is a segment to write to.</summary>
    /// <exception cref="IOException">There is none.</exception>
    public void Begin()
    {
        if (_file is not null && _offset < _segmentBytes)
        {
            return;
        }

        if (_file is { } full)
        {
            try
            {
                full.Flush();
            }
            finally
            {
                Leave();
            }
        }

        Span<byte> salt = stackalloc byte[4];
        RandomNumberGenerator.Fill(salt);
        _salt = MemoryMarshal.Read<uint>(salt);
        var number = _nextNumber++;
        _name = SegmentFormat.NameOf(number);
        var file = _folder.Create(_name);
        try
        {
            file.Write(SegmentFormat.Header(number, _salt), 0);
            _folder.Flush();
        }
        catch
        {
            file.Dispose();
            _folder.Delete(_name);
            throw;
        }

        _offset = SegmentFormat.HeaderBytes;
        _file = file;
    }

    /// <summary>Forces the newest segment onto the disk; on any thread.</summary>
    /// <exception cref="IOException">It could not be done.</exception>
    public void FlushNewest()
    {
        try
        {
            _file?.Flush();
        }
        catch (ObjectDisposedException)
        {
            // It was sealed at this moment, and flushed before that.
        }
    }

    /// <summary>Writes to the newest segment no more.</summary>
    public void Leave()
    {
        if (_file is { } file)
        {
            _file = null;
            file.Dispose();
            Seal(_name, _offset);
            _offset = 0;
        }
    }

    public void Dispose()
    {
        Leave();
        _records.Dispose();
    }

    private void Seal(string name, long bytes)
    {
        _sealed.Enqueue((name, bytes));
        _sealedBytes += bytes;
    }

    private bool IsCleaningDue()
        => _kept.Count == 0
            || _sealedBytes - _keptBytes > Math.Max(_keptBytes, _segmentBytes)
            || _sealed.Count > MostSealed + (2 * _keptBytes / _segmentBytes);

    /// <summary>Appends what a segment holds of kept streams, and makes sure that it is on the disk.</summary>
    private void CopyKept(string name)
    {
        var bytes = _folder.Read(name);
        _buffer.ResetWrittenCount();
        Begin();
        foreach (var (offset, length) in SegmentFormat.Scan(bytes, name).Records)
        {
            var payload = bytes.AsSpan(offset, length);
            var (kind, stream) = RecordReader.Head(payload);
            if (kind != RecordKind.Forgotten && _kept.ContainsKey(stream))
            {
                var start = BeginRecord();
                _buffer.Write(payload);
                EndRecord(start);
            }
        }

        WriteBuffer(flush: true);
    }

    private void WriteBuffer(bool flush)
    {
        var file = _file!;
        try
        {
            file.Write(_buffer.WrittenSpan, _offset);
            if (flush)
            {
                file.Flush();
            }
        }
        catch
        {
            TakeBack(file);
            throw;
        }

        _offset += _buffer.WrittenCount;
    }

    private void TakeBack(ILogFile file)
    {
        try
        {
            file.Truncate(_offset);
        }
        catch (IOException)
        {
            // What may remain is the beginning of this batch: recovery drops it, or a later record of the same number wins.
        }

        Leave();
    }

    private int Encode(in JournalEntry entry)
    {
        var (journal, start) = (entry.Journal, BeginRecord());
        switch (entry.Kind)
        {
            case RecordKind.Opened:
                _records.Opened(_buffer, journal.Number, new OpenedRecord(journal.Stream.Header, journal.Stream.OnDisconnect, journal.Stream.Key), journal.Request.Span);
                break;
            case RecordKind.Event:
                _records.Event(_buffer, journal.Number, entry.Number, entry.Time, entry.Event!);
                break;
            case RecordKind.Stopped:
                _records.Stopped(_buffer, journal.Number, entry.Cause);
                break;
            default:
                _records.Forgotten(_buffer, journal.Number, new ForgottenRecord(journal.Stream.Header.Id, journal.Stream.Header.Owner));
                break;
        }

        return EndRecord(start);
    }

    private int BeginRecord()
    {
        var start = _buffer.WrittenCount;
        _buffer.GetSpan(SegmentFormat.FrameBytes)[..SegmentFormat.FrameBytes].Clear();
        _buffer.Advance(SegmentFormat.FrameBytes);
        return start;
    }

    private int EndRecord(int start)
    {
        var record = MemoryMarshal.AsMemory(_buffer.WrittenMemory)[start..];
        SegmentFormat.Frame(record.Span, _salt);
        return record.Length;
    }

    private void Count(in JournalEntry entry, int bytes)
    {
        var journal = entry.Journal;
        switch (entry.Kind)
        {
            case RecordKind.Opened:
                _kept.Add(journal.Number, journal);
                journal.Request = default;
                break;
            case RecordKind.Event:
                journal.Written = entry.Number;
                break;
            case RecordKind.Forgotten:
                if (_kept.Remove(journal.Number))
                {
                    _keptBytes -= journal.Bytes;
                }

                return;
        }

        journal.Bytes += bytes;
        _keptBytes += bytes;
    }
}
