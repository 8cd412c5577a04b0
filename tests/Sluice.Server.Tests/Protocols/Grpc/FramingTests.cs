using System.Buffers;
using System.IO.Compression;
using Google.Protobuf.WellKnownTypes;
using Microsoft.AspNetCore.Http;
using Sluice.Server.Api;
using Sluice.Server.Protocols.Grpc.Calls;

namespace Sluice.Server.Tests.Protocols.Grpc;

public sealed class FramingTests
{
    private const int Max = 1000;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(MessageFrame.LeastCompressed * 4)]
    public void Message_IsReadAsItWasWritten(int length)
    {
        foreach (var mayCompress in (bool[])[false, true])
        {
            var message = new StringValue { Value = new string('x', length) };
            var output = new ArrayBufferWriter<byte>();
            MessageFrame.Write(output, message, mayCompress);
            MessageFrame.Write(output, message, mayCompress);
            var input = new ReadOnlySequence<byte>(output.WrittenMemory);

            for (var i = 0; i < 2; i++)
            {
                Assert.True(MessageFrame.TryRead(ref input, 1 << 20, out var frame));
                Assert.Equal(mayCompress && length > MessageFrame.LeastCompressed, frame.IsCompressed);
                Assert.Equal(message, StringValue.Parser.ParseFrom(frame.Open(isGzip: true, 1 << 20)));
            }

            Assert.True(input.IsEmpty);
        }
    }

    [Theory]
    [InlineData("02", GrpcCode.Internal)]
    [InlineData("FF00000000", GrpcCode.Internal)]
    [InlineData("00000003E9", GrpcCode.ResourceExhausted)]
    [InlineData("00FFFFFFFF", GrpcCode.ResourceExhausted)]
    [InlineData("01FFFFFFFF", GrpcCode.ResourceExhausted)]
    [InlineData("0080000000", GrpcCode.ResourceExhausted)]
    internal void FrameThatIsNone_IsRefusedByItsFirstBytes(string bytes, GrpcCode code)
    {
        var input = new ReadOnlySequence<byte>(Convert.FromHexString(bytes));

        Assert.Equal(code, Assert.Throws<GrpcException>(() => MessageFrame.TryRead(ref input, Max, out _)).Status.Code);
    }

    [Theory]
    [InlineData("")]
    [InlineData("00")]
    [InlineData("00000000")]
    [InlineData("0000000002AA")]
    public void FrameThatIsNotWhole_WaitsForMore(string bytes)
    {
        var input = new ReadOnlySequence<byte>(Convert.FromHexString(bytes));
        var length = input.Length;

        Assert.False(MessageFrame.TryRead(ref input, Max, out _));
        Assert.Equal(length, input.Length);
    }

    [Fact]
    public void RandomBytes_AreFramesOrRefusedAndNothingElse()
    {
        var random = new Random(1);
        var (whole, refused) = (0, 0);
        for (var round = 0; round < 200_000; round++)
        {
            var bytes = new byte[random.Next(0, 64)];
            random.NextBytes(bytes);
            if (bytes.Length > 4 && random.Next(4) != 0)
            {
                // Near to right, so that what comes after the first bytes is tried too.
                bytes[0] = (byte)random.Next(3);
                bytes[1] = bytes[2] = bytes[3] = 0;
                bytes[4] = (byte)random.Next(64);
            }

            var input = Split(bytes, random);
            try
            {
                while (MessageFrame.TryRead(ref input, 48, out var frame))
                {
                    Assert.InRange(frame.Payload.Length, 0, 48);
                    var opened = frame.Open(random.Next(2) == 0, 48);
                    Assert.InRange(opened.Length, 0, 48);
                    whole++;
                }
            }
            catch (GrpcException refusal)
            {
                Assert.True(refusal.Status.Code is GrpcCode.Internal or GrpcCode.ResourceExhausted);
                refused++;
            }
        }

        Assert.True(whole > 10_000 && refused > 10_000, $"{whole} frames and {refused} refusals try too little.");
    }

    [Fact]
    public void GzipThatIsDamaged_IsRefusedAndNothingElse()
    {
        var random = new Random(2);
        var plain = new byte[200];
        random.NextBytes(plain.AsSpan(0, 40));
        var refused = 0;
        for (var round = 0; round < 20_000; round++)
        {
            var bytes = Compress(plain);
            for (var flips = random.Next(1, 4); flips > 0; flips--)
            {
                bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
            }

            try
            {
                Assert.InRange(new MessageFrame(true, new ReadOnlySequence<byte>(bytes, 0, random.Next(bytes.Length + 1))).Open(isGzip: true, Max).Length, 0, Max);
            }
            catch (GrpcException refusal)
            {
                Assert.True(refusal.Status.Code is GrpcCode.Internal or GrpcCode.ResourceExhausted);
                refused++;
            }
        }

        Assert.True(refused > 1000);
    }

    [Fact]
    public void MessageThatGrowsBeyondTheLimit_IsRefusedWithoutBeingMade()
    {
        var frame = new MessageFrame(true, new ReadOnlySequence<byte>(Compress(new byte[64 << 20])));
        var before = GC.GetAllocatedBytesForCurrentThread();

        Assert.Equal(GrpcCode.ResourceExhausted, Assert.Throws<GrpcException>(() => frame.Open(isGzip: true, Max)).Status.Code);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Fact]
    public void CompressedMessageOfACallWithoutEncoding_IsRefused()
        => Assert.Equal(GrpcCode.Internal, Assert.Throws<GrpcException>(() => new MessageFrame(true, default).Open(isGzip: false, Max)).Status.Code);

    [Theory]
    [InlineData("1S", 1000d)]
    [InlineData("250m", 250d)]
    [InlineData("2M", 120_000d)]
    [InlineData("1H", 3_600_000d)]
    [InlineData("5000u", 5d)]
    [InlineData("99999999n", 99.9999)]
    [InlineData("0m", 0d)]
    [InlineData("99999999H", null)]
    public void Timeout_IsRead(string text, double? milliseconds)
    {
        Assert.True(GrpcTimeout.TryParse(text, out var timeout));
        Assert.Equal(milliseconds, timeout?.TotalMilliseconds);
    }

    [Theory]
    [InlineData("")]
    [InlineData("1")]
    [InlineData("S")]
    [InlineData("1s")]
    [InlineData("-1S")]
    [InlineData("1.5S")]
    [InlineData("123456789S")]
    [InlineData(" 1S")]
    public void TimeoutThatIsNone_IsNotRead(string text) => Assert.False(GrpcTimeout.TryParse(text, out _));

    [Theory]
    [InlineData("plain text, ~!", "plain text, ~!")]
    [InlineData("100 %", "100 %25")]
    [InlineData("a\nb", "a%0Ab")]
    [InlineData("Grüße 🦊", "Gr%C3%BC%C3%9Fe %F0%9F%A6%8A")]
    [InlineData("", "")]
    public void StatusMessage_IsPercentEncoded(string text, string encoded)
    {
        Assert.Equal(encoded, PercentEncoding.Encode(text));
        Assert.Equal(text, Uri.UnescapeDataString(encoded));
    }

    [Theory]
    [InlineData(400, null, GrpcCode.InvalidArgument)]
    [InlineData(400, "invalid_position", GrpcCode.OutOfRange)]
    [InlineData(401, "invalid_api_key", GrpcCode.Unauthenticated)]
    [InlineData(403, "host_not_allowed", GrpcCode.PermissionDenied)]
    [InlineData(404, "stream_not_found", GrpcCode.NotFound)]
    [InlineData(410, "stream_gone", GrpcCode.NotFound)]
    [InlineData(410, "events_gone", GrpcCode.DataLoss)]
    [InlineData(413, null, GrpcCode.ResourceExhausted)]
    [InlineData(415, null, GrpcCode.InvalidArgument)]
    [InlineData(422, "idempotency_key_reused", GrpcCode.AlreadyExists)]
    [InlineData(429, "queue_full", GrpcCode.ResourceExhausted)]
    [InlineData(500, "engine_fault", GrpcCode.Internal)]
    [InlineData(501, null, GrpcCode.Unimplemented)]
    [InlineData(503, "model_loading", GrpcCode.Unavailable)]
    [InlineData(503, "shutting_down", GrpcCode.Unavailable)]
    [InlineData(503, "cancelled", GrpcCode.Cancelled)]
    internal void Error_HasItsCode(int status, string? code, GrpcCode expected)
        => Assert.Equal(expected, GrpcStatus.Of(new ApiError(status, "why", Code: code)).Code);

    [Fact]
    public void LongMessage_IsCutSoThatClientsTakeTheHeaders()
    {
        var headers = new HeaderDictionary();
        GrpcStatus.Of(ApiError.Invalid("field", new string('ü', 100_000))).WriteTo(headers);

        Assert.InRange(headers.Sum(header => header.Key.Length + header.Value.ToString().Length + 32), 1000, 8 * 1024);
    }

    private static byte[] Compress(byte[] plain)
    {
        using var compressed = new MemoryStream();
        using (var gzip = new GZipStream(compressed, CompressionLevel.Optimal))
        {
            gzip.Write(plain);
        }

        return compressed.ToArray();
    }

    /// <summary>The bytes in pieces, as they may come from a socket.</summary>
    private static ReadOnlySequence<byte> Split(byte[] bytes, Random random)
    {
        var at = random.Next(bytes.Length + 1);
        var first = new Piece(bytes.AsMemory(0, at), 0);
        var last = new Piece(bytes.AsMemory(at), at);
        first.Follow(last);
        return new ReadOnlySequence<byte>(first, 0, last, bytes.Length - at);
    }

    private sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        public Piece(ReadOnlyMemory<byte> memory, long index) => (Memory, RunningIndex) = (memory, index);

        public void Follow(Piece next) => Next = next;
    }
}
