using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Sluice.Server.Configuration;
using Sluice.Server.Protocols.Grpc.V1;
using Sluice.Server.Tests.Scripted;
using Sluice.Streams;

namespace Sluice.Server.Tests.Protocols.Grpc;

/// <summary>Ports, TLS, and readers that take their time.</summary>
public sealed class ListeningTests
{
    [Fact]
    public async Task Tls_ServesHttp1AndCallsAtOnePort()
    {
        var files = Directory.CreateTempSubdirectory("sluice-tls");
        try
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            using var own = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
            await File.WriteAllTextAsync(Path.Combine(files.FullName, "cert.pem"), own.ExportCertificatePem(), TestContext.Current.CancellationToken);
            await File.WriteAllTextAsync(Path.Combine(files.FullName, "key.pem"), key.ExportPkcs8PrivateKeyPem(), TestContext.Current.CancellationToken);
            var tls = TlsCertificate.From(Values(("tls-cert", Path.Combine(files.FullName, "cert.pem")), ("tls-key", Path.Combine(files.FullName, "key.pem"))));
            await using var server = await TestServer.StartAsync(new ScriptedEngine(), options: options => options with { GrpcPort = null, Tls = tls });
            Assert.Equal("https", server.Address.Scheme);
            using var handler = new SocketsHttpHandler { SslOptions = { RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate!.GetCertHashString() == own.GetCertHashString() } };
            using var client = new HttpClient(handler) { BaseAddress = server.Address };
            Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/health", TestContext.Current.CancellationToken)).StatusCode);
            using var call = new TestCall(client, "sluice.v1.Inference/ListModels");
            await call.WriteAsync(new ListModelsRequest());
            call.Complete();
            Assert.Single((await call.ReadAsync(ListModelsResponse.Parser)).Models);
        }
        finally
        {
            files.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData("--tls-cert and --tls-key belong together", "tls-cert", "x.pem")]
    [InlineData("--tls-cert and --tls-key cannot be read", "tls-cert", "/none.pem", "tls-key", "/none.pem")]
    [InlineData("--grpc-port is a port in clear text", "grpc-port", "50051", "tls-cert", "x.pem")]
    [InlineData("--grpc-port and --port are both 9000", "grpc-port", "9000", "port", "9000")]
    [InlineData("--grpc-port is '70000'", "grpc-port", "70000")]
    public void SettingsThatCannotBe_AreRefusedWithASentence(string message, params string[] flags)
    {
        var pairs = flags.Chunk(2).Select(pair => (pair[0], pair[1])).Append(("model", typeof(ListeningTests).Assembly.Location));

        Assert.StartsWith(message, Assert.Throws<UsageException>(() => ServerOptions.From(Values([.. pairs]))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task CallThatIsNotRead_PausesItsGenerationAndHoldsNoOther()
    {
        var engine = new ScriptedEngine();
        await using var server = await TestServer.StartAsync(engine, limits: new StreamLimits { BytesOfOne = 1L << 30, BytesOfAll = 1L << 30 });
        using var slow = await GenerateAsync(server);
        var stream = await engine.NextAsync();
        await slow.ReadAsync(Event.Parser);
        var own = server.Streams.Of("").Single();
        for (var i = 0; i < 400; i++)
        {
            stream.Say([1], new string('x', 50_000)); // more in all than windows and buffers take
        }

        await Patience.For(Task.Run(async () =>
        {
            while (!own.IsPaused)
            {
                await Task.Delay(10, TestContext.Current.CancellationToken);
            }
        }, TestContext.Current.CancellationToken));

        using var other = await GenerateAsync(server);
        var second = await engine.NextAsync();
        second.Say("fast");
        second.Finish();
        Assert.Equal(4, (await other.RestAsync(Event.Parser)).Count);

        stream.Finish();
        var rest = await slow.RestAsync(Event.Parser);
        Assert.Equal(400 * 50_000, rest.Sum(each => each.Delta?.Parts.Sum(part => part.Content.Length) ?? 0));
        Assert.True(own.Look().End is StreamFinished);
    }

    [Fact]
    public async Task CallThatIsNotReadForTooLong_IsCutAndCounted()
    {
        var clock = new ManualClock();
        var engine = new ScriptedEngine();
        await using var server = await TestServer.StartAsync(engine, clock: clock, limits: new StreamLimits { Window = 64, Grace = TimeSpan.FromDays(10_000), BytesOfOne = 1L << 30, BytesOfAll = 1L << 30 });
        using var call = await GenerateAsync(server);
        var stream = await engine.NextAsync();
        await call.ReadAsync(Event.Parser);
        var own = server.Streams.Of("").Single();
        while (!own.Look().Readers.IsEmpty)
        {
            if (own.IsPaused)
            {
                clock.Advance(server.Streams.Limits.ReaderTimeout);
            }
            else
            {
                stream.Say([1], new string('x', 50_000));
            }

            await Task.Yield();
        }

        Assert.Null(own.Stopped);
        Assert.Equal(1, server.Streams.Counters.CutReaders);
    }

    private static async Task<TestCall> GenerateAsync(TestServer server)
    {
        var call = new TestCall(server, "sluice.v1.Inference/Generate");
        await call.WriteAsync(GenerateTests.Hello());
        call.Complete();
        return call;
    }

    private static SettingValues Values(params (string Name, string Value)[] flags)
        => SettingValues.Gather(setting => flags.FirstOrDefault(flag => flag.Name == setting.Name).Value, _ => null, Path.GetTempPath());
}
