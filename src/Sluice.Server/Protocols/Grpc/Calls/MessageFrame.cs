using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using Google.Protobuf;

namespace Sluice.Server.Protocols.Grpc.Calls;

/// <summary>
/// A message on the wire, by the protocol of gRPC over HTTP/2: a flag that says whether it is compressed, its length in four
/// bytes, and as many bytes. Works on buffers only.
/// </summary>
/// <param name="IsCompressed">Whether the payload is compressed.</param>
/// <param name="Payload">The message.</param>
internal readonly record struct MessageFrame(bool IsCompressed, ReadOnlySequence<byte> Payload)
{
    public const int PrefixLength = 5;

    /// <summary>Messages smaller than this are not worth compressing: most deltas are a few dozen bytes.</summary>
    public const int LeastCompressed = 1024;

    /// <summary>Takes a frame off <paramref name="input"/>, where all of it is there.</summary>
    /// <exception cref="GrpcException">It is none, or longer than <paramref name="maxBytes"/>; known from its first bytes.</exception>
    public static bool TryRead(ref ReadOnlySequence<byte> input, int maxBytes, out MessageFrame frame)
    {
        frame = default;
        if (input.IsEmpty)
        {
            return false;
        }

        Span<byte> prefix = stackalloc byte[PrefixLength];
        input.Slice(0, Math.Min(PrefixLength, input.Length)).CopyTo(prefix);
        var flag = prefix[0];
        if (flag > 1)
        {
            throw new GrpcException(GrpcCode.Internal, $"A message begins with the flag {flag}; it must be 0, or 1 where it is compressed.");
        }

        if (input.Length < PrefixLength)
        {
            return false;
        }

        var length = BinaryPrimitives.ReadUInt32BigEndian(prefix[1..]);
        if (length > maxBytes)
        {
            throw TooLarge(maxBytes);
        }

        if (input.Length < PrefixLength + length)
        {
            return false;
        }

        frame = new MessageFrame(flag == 1, input.Slice(PrefixLength, length));
        input = input.Slice(PrefixLength + length);
        return true;
    }

    /// <summary>Writes a message, compressed where that is wanted and it is large enough to be worth it.</summary>
    public static void Write(IBufferWriter<byte> output, IMessage message, bool mayCompress)
    {
        var size = message.CalculateSize();
        if (mayCompress && size >= LeastCompressed)
        {
            WriteCompressed(output, message);
            return;
        }

        WritePrefix(output, isCompressed: false, size);
        message.WriteTo(output);
    }

    /// <summary>The message itself.</summary>
    /// <param name="isGzip">Whether the call's messages are compressed where their flag says so.</param>
    /// <param name="maxBytes">Most bytes of the message once it is no longer compressed.</param>
    /// <exception cref="GrpcException">It cannot be uncompressed, or is too large.</exception>
    public ReadOnlySequence<byte> Open(bool isGzip, int maxBytes)
    {
        if (!IsCompressed)
        {
            return Payload;
        }

        if (!isGzip)
        {
            throw new GrpcException(GrpcCode.Internal, "A message is said to be compressed, and the call names no grpc-encoding.");
        }

        // One byte more than is allowed is enough to know, however much there would be.
        var content = new byte[Math.Min((8 * Payload.Length) + 64, maxBytes + 1L)];
        var filled = 0;
        try
        {
            using var compressed = new MemoryStream(Payload.ToArray(), writable: false);
            using var plain = new GZipStream(compressed, CompressionMode.Decompress);
            while (true)
            {
                if (filled == content.Length)
                {
                    Array.Resize(ref content, (int)Math.Min(2L * content.Length, maxBytes + 1L));
                }

                var count = plain.Read(content, filled, content.Length - filled);
                filled += count;
                if (filled > maxBytes)
                {
                    throw TooLarge(maxBytes);
                }

                if (count == 0)
                {
                    return new ReadOnlySequence<byte>(content, 0, filled);
                }
            }
        }
        catch (InvalidDataException)
        {
            throw new GrpcException(GrpcCode.Internal, "A compressed message is not valid gzip.");
        }
    }

    private static void WriteCompressed(IBufferWriter<byte> output, IMessage message)
    {
        using var compressed = new MemoryStream();
        using (var gzip = new GZipStream(compressed, CompressionLevel.Fastest, leaveOpen: true))
        {
            message.WriteTo(gzip);
        }

        WritePrefix(output, isCompressed: true, (int)compressed.Length);
        output.Write(compressed.GetBuffer().AsSpan(0, (int)compressed.Length));
    }

    private static void WritePrefix(IBufferWriter<byte> output, bool isCompressed, int length)
    {
        var prefix = output.GetSpan(PrefixLength);
        prefix[0] = isCompressed ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteUInt32BigEndian(prefix[1..], (uint)length);
        output.Advance(PrefixLength);
    }

    private static GrpcException TooLarge(int maxBytes)
        => new(GrpcCode.ResourceExhausted, $"A message has more than {maxBytes} bytes, which is the most that this server takes.");
}
