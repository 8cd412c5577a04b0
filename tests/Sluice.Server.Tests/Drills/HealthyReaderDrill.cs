using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Sluice.Engine;
using Sluice.Server.Configuration;
using Sluice.Server.Tests.Scripted;
using Sluice.Streams;

namespace Sluice.Server.Tests.Drills;

/// <summary>What readers that read nothing cost those that read, on the real engine and over real sockets.</summary>
public sealed class HealthyReaderDrill(ITestOutputHelper output)
{
    private const int Healthy = 8;
    private const int Stalled = 1000;
    private const int Rounds = 9;

    /// <summary>
    /// The gaps between the tokens of eight answers as their readers get them: alone, and while 1,000 other readers hold
    /// all that their buffers take of a long answer and take no more. The rounds take turns, so that what else the machine
    /// does falls on both.
    /// </summary>
    [Fact(Explicit = true)]
    public async Task EightReaders_KeepTheirPaceBesideThousandThatReadNothing()
    {
        var engine = InferenceEngine.Load(new EngineOptions { ModelPath = ShippedModel.Find(), KvMemoryBytes = 64 << 20 });
        await using var server = await TestServer.StartAsync(engine);
        var lengthy = await LongAnswerAsync(server);
        for (var i = 0; i < 5; i++)
        {
            await MeasureAsync(server); // the compiler has its last word late
        }

        var (alone, beside) = (new List<double>(), new List<double>());
        for (var round = 0; round < Rounds; round++)
        {
            alone.Add(await MeasureAsync(server));
            beside.Add(await MeasureBesideAsync(server, lengthy));
        }

        var (without, with) = (Median(alone), Median(beside));
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"p99 ITL of {Healthy} readers: {without:F2} ms alone, {with:F2} ms beside {Stalled} that read nothing, ratio {with / without:F3}"));
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"rounds alone {string.Join(' ', alone.Select(each => $"{each:F2}"))}, beside {string.Join(' ', beside.Select(each => $"{each:F2}"))}"));
        Assert.InRange(with / without, 0, 1.1);
    }

    private static async Task<double> MeasureBesideAsync(TestServer server, GenerationStream lengthy)
    {
        var sockets = new List<Socket>(Stalled);
        for (var i = 0; i < Stalled; i++)
        {
            sockets.Add(await SlowReaderDrill.ConnectAsync(server, SlowReaderDrill.Get(lengthy)));
        }

        // Until all of them have what their buffers take, and take no more.
        for (var last = -1L; lengthy.Look().Readers.Length < Stalled || last != lengthy.Look().Readers.Sum(reader => reader.Position);)
        {
            last = lengthy.Look().Readers.Sum(reader => reader.Position);
            await Task.Delay(300, TestContext.Current.CancellationToken);
        }

        var p99 = await MeasureAsync(server);
        Assert.Equal(Stalled, lengthy.Look().Readers.Length);
        sockets.ForEach(socket => socket.Dispose());
        while (!lengthy.Look().Readers.IsEmpty)
        {
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }

        return p99;
    }

    /// <summary>An answer of about a megabyte on the wire, by its log probabilities: more than a reader's buffers take.</summary>
    private static async Task<GenerationStream> LongAnswerAsync(TestServer server)
    {
        using var response = await server.PostAsync("/v1/streams", Body(seed: 1, more: ""","logprobs":true,"top_logprobs":10"""));
        var stream = server.Streams.Of("").Single();
        await stream.WaitForEndAsync(TestContext.Current.CancellationToken);
        return stream;
    }

    /// <summary>The p99 of the gaps of eight new answers, in milliseconds.</summary>
    private static async Task<double> MeasureAsync(TestServer server)
    {
        var gaps = (await Task.WhenAll(Enumerable.Range(0, Healthy).Select(seed => ReadAsync(server, seed)))).SelectMany(each => each).Order().ToList();
        return gaps[gaps.Count * 99 / 100];
    }

    private static async Task<List<double>> ReadAsync(TestServer server, int seed)
    {
        using var response = await server.PostAsync("/v1/chat/completions", Body(seed, more: ""));
        using var lines = new StreamReader(await response.EnsureSuccessStatusCode().Content.ReadAsStreamAsync(TestContext.Current.CancellationToken), Encoding.UTF8);
        var gaps = new List<double>();
        long? last = null;
        while (await lines.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
        {
            if (line.StartsWith("data: {", StringComparison.Ordinal))
            {
                var now = Stopwatch.GetTimestamp();
                if (last is { } before)
                {
                    gaps.Add(Stopwatch.GetElapsedTime(before, now).TotalMilliseconds);
                }

                last = now;
            }
        }

        Assert.InRange(gaps.Count, 300, 1000); // several tokens may make one character
        return gaps;
    }

    private static string Body(int seed, string more)
        => $$"""{"messages":[{"role":"user","content":"Tell me a story"}],"max_tokens":900,"seed":{{seed}},"ignore_eos":true,"stream":true{{more}}}""";

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
