using System.Buffers.Binary;
using System.Globalization;

namespace Sluice.Streams.Storage;

/// <summary>
/// A segment: its header twice, then records. Numbers are little-endian.
/// <code>
/// header  "SLUICELG"  version u32  salt u32  segment number u32  CRC-32C of these u32
/// record  salt u32    length u32   CRC-32C of length and payload u32, begun with the salt    payload
/// </code>
/// The salt is random, so that no text that somebody sends can look like a record: behind damage, the next record is
/// found by it. The header is there twice because without the salt nothing could be read.
/// </summary>
internal static class SegmentFormat
{
    public const uint Version = 1;

    /// <summary>Bytes before a segment's first record.</summary>
    public const int HeaderBytes = 2 * CopyBytes;

    /// <summary>Bytes before a record's payload.</summary>
    public const int FrameBytes = 12;

    private const int CopyBytes = 24;
    private const string Prefix = "segment-";
    private const string Suffix = ".log";

    private static ReadOnlySpan<byte> Magic => "SLUICELG"u8;

    public static string NameOf(uint number) => string.Create(CultureInfo.InvariantCulture, $"{Prefix}{number:D10}{Suffix}");

    /// <summary>The number in a segment's name; null where the name is none of a segment.</summary>
    public static uint? NumberOf(string name)
        => name.StartsWith(Prefix, StringComparison.Ordinal) && name.EndsWith(Suffix, StringComparison.Ordinal)
            && uint.TryParse(name.AsSpan(Prefix.Length, Math.Max(name.Length - Prefix.Length - Suffix.Length, 0)), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number : null;

    public static byte[] Header(uint number, uint salt)
    {
        var bytes = new byte[HeaderBytes];
        var copy = bytes.AsSpan(0, CopyBytes);
        Magic.CopyTo(copy);
        BinaryPrimitives.WriteUInt32LittleEndian(copy[8..], Version);
        BinaryPrimitives.WriteUInt32LittleEndian(copy[12..], salt);
        BinaryPrimitives.WriteUInt32LittleEndian(copy[16..], number);
        BinaryPrimitives.WriteUInt32LittleEndian(copy[20..], Checksum.Of(copy[..20]));
        copy.CopyTo(bytes.AsSpan(CopyBytes));
        return bytes;
    }

    /// <summary>Fills in what stands before a record's payload.</summary>
    /// <param name="record">The record, with room for the frame before its payload.</param>
    /// <param name="salt">The segment's salt.</param>
    public static void Frame(Span<byte> record, uint salt)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(record, salt);
        BinaryPrimitives.WriteUInt32LittleEndian(record[4..], (uint)(record.Length - FrameBytes));
        BinaryPrimitives.WriteUInt32LittleEndian(record[8..], SumOf(record, salt));
    }

    /// <summary>Finds the records of a segment, whatever became of it.</summary>
    /// <exception cref="StorageException">It is of another version of the format.</exception>
    public static SegmentScan Scan(ReadOnlySpan<byte> bytes, string name)
    {
        var scan = new SegmentScan();
        if (bytes.Length < HeaderBytes)
        {
            scan.AddDamage(0, bytes.Length);
            return scan;
        }

        var (first, second) = (ReadHeader(bytes[..CopyBytes], name), ReadHeader(bytes[CopyBytes..HeaderBytes], name));
        if (first is null || second is null)
        {
            scan.AddDamage(first is null ? 0 : CopyBytes, first is null && second is null ? bytes.Length : first is null ? CopyBytes : HeaderBytes);
        }

        if ((first ?? second) is { } salt)
        {
            FindRecords(bytes, salt, scan);
        }

        return scan;
    }

    private static void FindRecords(ReadOnlySpan<byte> bytes, uint salt, SegmentScan scan)
    {
        Span<byte> marker = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(marker, salt);
        for (var at = HeaderBytes; at < bytes.Length;)
        {
            var damage = at;
            int length;
            while (!TryRead(bytes[at..], salt, out length))
            {
                var next = bytes[(at + 1)..].IndexOf(marker);
                if (next < 0)
                {
                    scan.AddDamage(damage, bytes.Length);
                    return;
                }

                at += 1 + next;
            }

            if (at > damage)
            {
                scan.AddDamage(damage, at);
            }

            scan.Records.Add((at + FrameBytes, length));
            at += FrameBytes + length;
        }
    }

    private static bool TryRead(ReadOnlySpan<byte> bytes, uint salt, out int length)
    {
        length = 0;
        if (bytes.Length < FrameBytes || BinaryPrimitives.ReadUInt32LittleEndian(bytes) != salt)
        {
            return false;
        }

        var claimed = BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
        if (claimed > bytes.Length - FrameBytes)
        {
            return false;
        }

        length = (int)claimed;
        return BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]) == SumOf(bytes[..(FrameBytes + length)], salt);
    }

    private static uint SumOf(ReadOnlySpan<byte> record, uint salt) => Checksum.Of(record[FrameBytes..], Checksum.Of(record[4..8], salt));

    private static uint? ReadHeader(ReadOnlySpan<byte> copy, string name)
    {
        if (!copy.StartsWith(Magic) || BinaryPrimitives.ReadUInt32LittleEndian(copy[20..]) != Checksum.Of(copy[..20]))
        {
            return null;
        }

        var version = BinaryPrimitives.ReadUInt32LittleEndian(copy[8..]);
        return version == Version
            ? BinaryPrimitives.ReadUInt32LittleEndian(copy[12..])
            : throw new StorageException($"{name} is of version {version} of the format and this Sluice knows version {Version}; start the Sluice that wrote it, or name another folder with --data.");
    }
}

/// <summary>What was found in a segment.</summary>
internal sealed class SegmentScan
{
    /// <summary>Where the payloads of its sound records are.</summary>
    public List<(int Offset, int Length)> Records { get; } = [];

    /// <summary>What could not be read.</summary>
    public List<(int From, int To)> Damage { get; } = [];

    public void AddDamage(int from, int to)
    {
        if (to > from)
        {
            Damage.Add((from, to));
        }
    }
}
