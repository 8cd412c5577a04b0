using System.Buffers.Binary;
using Sluice.Benchmarks;

namespace Sluice.Engine.Tests.Gguf.Fuzzing;

/// <summary>Damages valid files at random: the same seed, the same damage.</summary>
internal sealed class GgufMutator(IReadOnlyList<GgufSample> samples)
{
    /// <summary>Every case is a function of seed and number, so that one can be run again by itself.</summary>
    public (GgufSample Sample, byte[] Bytes) Mutate(ulong seed, int number)
    {
        var random = new SplitMix(seed ^ ((ulong)number * 0xD1342543DE82EF95));
        var sample = Pick(random);
        var bytes = sample.Bytes.ToArray();
        for (var changes = random.Next(3) > 0 ? 1 : 1 + random.Next(4); changes > 0 && bytes.Length > 0; changes--)
            bytes = Change(bytes, sample, random);

        return (sample, bytes);
    }

    private GgufSample Pick(SplitMix random)
    {
        var ticket = random.Next(samples.Sum(sample => sample.Weight));
        foreach (var sample in samples)
        {
            ticket -= sample.Weight;
            if (ticket < 0)
                return sample;
        }

        throw new InvalidOperationException("No sample has a weight.");
    }

    private byte[] Change(byte[] bytes, GgufSample sample, SplitMix random)
    {
        var fields = sample.Fields;
        switch (random.Next(16))
        {
            case 0:
                for (var flips = 1 + random.Next(8); flips > 0; flips--)
                    bytes[Place(bytes, sample, random)] ^= (byte)(1 << (int)random.Next(8));
                return bytes;
            case 1:
                for (var sets = 1 + random.Next(8); sets > 0; sets--)
                    bytes[Place(bytes, sample, random)] = (byte)random.Next();
                return bytes;
            case 2:
                random.Fill(Range(bytes, Place(bytes, sample, random), 1 + (int)random.Next(64)));
                return bytes;
            case 3:
                return bytes[..Place(bytes, sample, random)];
            case 4:
                return Replace(bytes, Place(bytes, sample, random), (int)random.Next(64), SomeOf(samples[(int)random.Next(samples.Count)].Bytes, random));
            case 5:
                return Replace(bytes, Place(bytes, sample, random), 0, SomeOf(bytes, random));
            case 6:
                return Replace(bytes, Place(bytes, sample, random), 1 + (int)random.Next(64), []);
            case 7:
                SwapFields(bytes, Pick(fields.Structure, random), Pick(fields.Structure, random));
                return bytes;
            case 8:
            case 9:
                SetField(bytes, Pick(fields.Structure, random), random);
                return bytes;
            case 10:
                SetField(bytes, Pick(fields.ElementLengths, random), random);
                return bytes;
            case 11:
                SetField(bytes, Pick(fields.ElementValues, random), random);
                return bytes;
            case 12:
                SwapFields(bytes, Pick(fields.Values, random), Pick(fields.Values, random));
                return bytes;
            case 13:
                SetField(bytes, Pick(fields.Values, random), random);
                return bytes;
            default:
                ChangeText(bytes, Pick(fields.Texts, random), random);
                return bytes;
        }
    }

    /// <summary>A field of a kind; one of no bytes where the sample has none.</summary>
    private static GgufField Pick(IReadOnlyList<GgufField> kind, SplitMix random) => kind.Count == 0 ? default : kind[(int)random.Next(kind.Count)];

    /// <summary>Three times of four in the header, where the damage tells.</summary>
    private static int Place(byte[] bytes, GgufSample sample, SplitMix random)
    {
        var header = Math.Min(sample.Fields.HeaderLength, bytes.Length);
        return (int)random.Next(random.Next(4) > 0 ? header : bytes.Length);
    }

    private static Span<byte> Range(byte[] bytes, int start, int length) => bytes.AsSpan(start, Math.Min(length, bytes.Length - start));

    private static ReadOnlySpan<byte> SomeOf(byte[] bytes, SplitMix random)
    {
        // Short pieces mostly, now and then a long one.
        var length = 1 + random.Next(random.Next(8) > 0 ? 128 : 8192);
        return bytes.Length == 0 ? [] : Range(bytes, (int)random.Next(bytes.Length), (int)length);
    }

    private static byte[] Replace(byte[] bytes, int start, int length, ReadOnlySpan<byte> by)
    {
        var end = Math.Min(bytes.Length, start + length);
        return [.. bytes.AsSpan(0, start), .. by, .. bytes.AsSpan(end)];
    }

    private static void SwapFields(byte[] bytes, GgufField a, GgufField b)
    {
        var size = Math.Min(a.Size, b.Size);
        if (a.Position + size > bytes.Length || b.Position + size > bytes.Length)
            return;

        var kept = bytes.AsSpan(a.Position, size).ToArray();
        bytes.AsSpan(b.Position, size).CopyTo(bytes.AsSpan(a.Position));
        kept.CopyTo(bytes.AsSpan(b.Position));
    }

    private static void SetField(byte[] bytes, GgufField field, SplitMix random)
    {
        if (field.Size == 0 || field.Position + field.Size > bytes.Length)
            return;

        Span<byte> number = stackalloc byte[sizeof(ulong)];
        number.Clear();
        var place = bytes.AsSpan(field.Position, field.Size);
        place.CopyTo(number);
        var old = BinaryPrimitives.ReadUInt64LittleEndian(number);
        BinaryPrimitives.WriteUInt64LittleEndian(number, Interesting(old, bytes.Length - field.Position, field.Size * 8, random));
        number[..field.Size].CopyTo(place);
    }

    /// <summary>Some letters become others, of which many mean something to a tokenizer or a template.</summary>
    private static void ChangeText(byte[] bytes, GgufField text, SplitMix random)
    {
        var letters = "abcxyz019 {}%'\"[]()|.-_<>#\n\0\u00e9\u0120"u8;
        if (text.Size == 0 || text.Position + text.Size > bytes.Length)
            return;

        for (var changes = 1 + random.Next(4); changes > 0; changes--)
            bytes[text.Position + (int)random.Next(text.Size)] = letters[(int)random.Next(letters.Length)];
    }

    private static ulong Interesting(ulong old, int remaining, int bits, SplitMix random) => random.Next(16) switch
    {
        0 => 0,
        1 => 1,
        2 => ulong.MaxValue,
        3 => ulong.MaxValue - (ulong)random.Next(64),
        4 => 1UL << (int)random.Next(bits),
        5 => (1UL << (int)random.Next(bits)) - 1,
        6 => (ulong)remaining,
        7 => (ulong)(remaining - random.Next(32)),
        8 => (ulong)(remaining + random.Next(32)),
        9 => old + 1,
        10 => old - 1,
        11 => old * 2,
        12 => old / 2,
        13 => (ulong)random.Next(64),
        14 => old ^ (1UL << (int)random.Next(bits)),
        _ => random.Next(),
    };
}
