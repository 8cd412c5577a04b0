using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Sluice.Engine.Tokens;

/// <summary>
/// Hashes for the tables of a vocabulary, by folded multiplication as in Wang Yi's wyhash. They are keyed anew in each
/// process, so that no file can be made whose entries collide.
/// </summary>
internal static class KeyedHash
{
    private const ulong Multiplier = 0x9E3779B97F4A7C15;

    private static readonly ulong Key = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong)));

    public static ulong Of(ulong value) => Mix(value ^ Key, Multiplier);

    public static ulong Of(ReadOnlySpan<byte> bytes)
    {
        var hash = Key ^ (ulong)bytes.Length;
        for (; bytes.Length >= sizeof(ulong); bytes = bytes[sizeof(ulong)..])
            hash = Mix(hash ^ BinaryPrimitives.ReadUInt64LittleEndian(bytes), Multiplier);

        var rest = 0UL;
        for (var i = 0; i < bytes.Length; i++)
            rest = (rest << 8) | bytes[i];

        return Mix(hash ^ rest, Multiplier ^ Key);
    }

    private static ulong Mix(ulong a, ulong b)
    {
        var high = Math.BigMul(a, b, out var low);
        return high ^ low;
    }
}
