using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using Sluice.Server.Protocols.Grpc.Calls;
using Sluice.Server.Protocols.Grpc.V1;
using Sluice.Server.Tests.Scripted;

namespace Sluice.Server.Tests.Protocols.Grpc;

/// <summary>Calls and connections that are not what the protocols say: each is answered by the rules, and the server goes on.</summary>
public sealed class MalformedTests
{
    private const string Generate = "sluice.v1.Inference/Generate";

    [Theory]
    [InlineData("", GrpcCode.Unimplemented)]
    [InlineData("0000000000" + "0000000000", GrpcCode.Unimplemented)]
    [InlineData("0000", GrpcCode.Internal)]
    [InlineData("0000000005AABB", GrpcCode.Internal)]
    [InlineData("0700000000", GrpcCode.Internal)]
    [InlineData("0100000000", GrpcCode.Internal)]
    [InlineData("00FFFFFFFF", GrpcCode.ResourceExhausted)]
    [InlineData("0000400001", GrpcCode.ResourceExhausted)]
    [InlineData("0000000002FFFF", GrpcCode.Internal)]
    [InlineData("00000000020A7F", GrpcCode.Internal)]
    [InlineData("0000000000", GrpcCode.InvalidArgument)]
    internal async Task Messages_AreAnsweredByTheRules(string bytes, GrpcCode code)
    {
        await using var server = await TestServer.StartAsync(new ScriptedEngine());
        using var call = new TestCall(server, Generate);
        await call.WriteAsync(Convert.FromHexString(bytes));
        call.Complete();

        Assert.Equal(code, (await call.StatusAsync()).Code);
    }

    [Theory]
    [InlineData("grpc-encoding", "br", GrpcCode.Unimplemented)]
    [InlineData("grpc-timeout", "soon", GrpcCode.Internal)]
    [InlineData("grpc-timeout", "0m", GrpcCode.DeadlineExceeded)]
    internal async Task Headers_AreAnsweredByTheRules(string name, string value, GrpcCode code)
    {
        await using var server = await TestServer.StartAsync(new ScriptedEngine());
        using var call = new TestCall(server, Generate, (name, value));

        Assert.Equal(code, (await call.StatusAsync()).Code);
        Assert.Equal("identity,gzip", await call.MetadataAsync("grpc-accept-encoding"));
    }

    [Fact]
    public async Task NestingWithoutEnd_IsRefused()
    {
        // A group in a group in …: no message here nests without end, but unknown fields can.
        await using var server = await TestServer.StartAsync(new ScriptedEngine());
        using var call = new TestCall(server, Generate);
        var frame = new byte[5 + 100_000];
        frame.AsSpan(5).Fill(0x0B);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), frame.Length - 5);
        await call.WriteAsync(frame);
        call.Complete();

        Assert.Equal(GrpcCode.Internal, (await call.StatusAsync()).Code);
    }

    [Theory]
    [InlineData("application/json", HttpStatusCode.UnsupportedMediaType)]
    [InlineData("application/grpc-web", HttpStatusCode.UnsupportedMediaType)]
    [InlineData("application/grpc+json", HttpStatusCode.UnsupportedMediaType)]
    [InlineData("application/grpc+proto", HttpStatusCode.OK)]
    public async Task ContentType_MustBeThatOfCalls(string type, HttpStatusCode status)
    {
        await using var server = await TestServer.StartAsync(new ScriptedEngine());
        using var request = new HttpRequestMessage(HttpMethod.Post, "/" + Generate) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact, Content = new ByteArrayContent([]) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(type);
        using var response = await server.GrpcClient.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(status, response.StatusCode);
    }

    [Fact]
    public async Task CallOverHttp1_IsToldWhatItNeeds()
    {
        await using var server = await TestServer.StartAsync(new ScriptedEngine());
        using var content = new ByteArrayContent([]);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        using var response = await server.Client.PostAsync("/" + Generate, content, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.UpgradeRequired, response.StatusCode);
        Assert.Contains("--grpc-port", (await response.ReadJsonAsync()).Text("error.message"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task MethodsThatThereAreNot_AreUnimplemented()
    {
        await using var server = await TestServer.StartAsync(new ScriptedEngine());
        foreach (var method in (string[])["sluice.v1.Inference/Sing", "no.Such/Thing", "x"])
        {
            using var call = new TestCall(server, method);
            Assert.Equal(GrpcCode.Unimplemented, (await call.StatusAsync()).Code);
        }
    }

    [Fact]
    public async Task LargeMessages_AreTakenUpToTheLimit()
    {
        await using var server = await TestServer.StartAsync(new ScriptedEngine());
        using var call = new TestCall(server, Generate);
        await call.WriteAsync(new GenerateRequest { Prompt = new string('x', 3 << 20) });
        call.Complete();
        var status = await call.StatusAsync();

        Assert.Equal(GrpcCode.InvalidArgument, status.Code);
        Assert.Contains("The prompt has 3145729 tokens", status.Message, StringComparison.Ordinal);
    }

    /// <summary>Random and nearly right HTTP/2 on the socket itself: connections end, the server does not.</summary>
    [Fact]
    public async Task ConnectionsThatSpeakNonsense_EndAndTheServerGoesOn()
    {
        await using var server = await TestServer.StartAsync(new ScriptedEngine());
        await Parallel.ForAsync(0, 300, new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = TestContext.Current.CancellationToken }, async (i, cancellation) =>
        {
            var random = new Random(i);
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(server.GrpcAddress.Host, server.GrpcAddress.Port, cancellation);
            var bytes = Nonsense(random);
            try
            {
                await socket.SendAsync(bytes, cancellation);
                socket.Shutdown(SocketShutdown.Send);
                var buffer = new byte[4096];
                while (await Patience.For(socket.ReceiveAsync(buffer, cancellation).AsTask()) > 0)
                {
                    // Whatever it says.
                }
            }
            catch (SocketException)
            {
                // Reset: that is an end too.
            }
        });

        using var call = new TestCall(server, "sluice.v1.Inference/ListModels");
        await call.WriteAsync(new ListModelsRequest());
        call.Complete();
        Assert.Single((await call.ReadAsync(ListModelsResponse.Parser)).Models);
        Assert.Empty(server.Streams.Of(""));
    }

    private static byte[] Nonsense(Random random)
    {
        var bytes = new List<byte>();
        if (random.Next(8) != 0)
        {
            bytes.AddRange("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8);
            bytes.AddRange(Frame(4, 0, 0, []));
        }

        for (var frames = random.Next(1, 6); frames > 0; frames--)
        {
            var payload = new byte[random.Next(4) == 0 ? random.Next(2000) : random.Next(20)];
            random.NextBytes(payload);
            var frame = Frame((byte)random.Next(12), (byte)random.Next(256), random.Next(4), random.Next(3) == 0 ? Headers() : payload);
            if (random.Next(5) == 0)
            {
                frame[random.Next(frame.Length)] ^= (byte)(1 << random.Next(8));
            }

            bytes.AddRange(frame);
        }

        return [.. bytes];
    }

    /// <summary>A call's headers in HPACK without any compression.</summary>
    private static byte[] Headers()
    {
        var block = new List<byte> { 0x83, 0x86 }; // :method POST, :scheme http
        foreach (var (name, value) in ((string, string)[])[(":path", "/" + Generate), (":authority", "localhost"), ("content-type", "application/grpc"), ("te", "trailers")])
        {
            block.Add(0);
            block.Add((byte)name.Length);
            block.AddRange(Encoding.ASCII.GetBytes(name));
            block.Add((byte)value.Length);
            block.AddRange(Encoding.ASCII.GetBytes(value));
        }

        return [.. block];
    }

    private static byte[] Frame(byte type, byte flags, int stream, byte[] payload)
    {
        var frame = new byte[9 + payload.Length];
        frame[0] = (byte)(payload.Length >> 16);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(1), (ushort)payload.Length);
        (frame[3], frame[4]) = (type, flags);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame, 9);
        return frame;
    }
}
