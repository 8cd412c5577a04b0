using System.Buffers.Binary;
using System.Numerics;

namespace Sluice.Streams.Storage;

/// <summary>CRC-32C (Castagnoli), as in RFC 3720, appendix B.4: the processor's own instruction where it has one.</summary>
internal static class Checksum
{
    /// <summary>The checksum of bytes.</summary>
    /// <param name="bytes">What to sum up.</param>
    /// <param name="before">The checksum of what comes before them.</param>
    public static uint Of(ReadOnlySpan<byte> bytes, uint before = 0)
    {
        var crc = ~before;
        for (; bytes.Length >= sizeof(ulong); bytes = bytes[sizeof(ulong)..])
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        }

        foreach (var value in bytes)
        {
            crc = BitOperations.Crc32C(crc, value);
        }

        return ~crc;
    }
}
