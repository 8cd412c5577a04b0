using System.Buffers;

namespace Sluice.Engine.Tokens;

/// <summary>One run of bytes for each token, all in one array. Immutable.</summary>
internal sealed class PieceBytes
{
    private readonly byte[] _bytes;
    private readonly int[] _ends;

    private PieceBytes(byte[] bytes, int[] ends)
    {
        _bytes = bytes;
        _ends = ends;
    }

    /// <summary>Appends the bytes of one token.</summary>
    public delegate void Writer(int token, ArrayBufferWriter<byte> to);

    public int Count => _ends.Length;

    public ReadOnlySpan<byte> this[int token]
    {
        get
        {
            var start = token == 0 ? 0 : _ends[token - 1];
            return _bytes.AsSpan(start, _ends[token] - start);
        }
    }

    /// <summary>Asks for the bytes of each token in order.</summary>
    public static PieceBytes Build(int count, Writer write)
    {
        var bytes = new ArrayBufferWriter<byte>();
        var ends = new int[count];
        for (var token = 0; token < count; token++)
        {
            write(token, bytes);
            ends[token] = bytes.WrittenCount;
        }

        return new PieceBytes(bytes.WrittenSpan.ToArray(), ends);
    }
}
