using System.Text;
using Sluice.Engine.Scheduling;
using Sluice.Server.Parsing;
using Sluice.Streams;

namespace Sluice.Server.Tests.Parsing;

/// <summary>
/// The way of a text from tokens to parts, as it is in the server: detokenizer, stop strings, stage. However its bytes
/// are cut into tokens, within characters and within markup, the same comes out.
/// </summary>
public sealed class SplitTests(ITestOutputHelper log)
{
    private const int RandomSplits = 100_000;
    private const int Seed = 20261121;

    [Fact]
    public void EverySplitOfShortOutputs_IsReadAlike()
    {
        foreach (var recording in Recording.Short)
        {
            var bytes = Encoding.UTF8.GetBytes(recording.Text);
            Assert.InRange(bytes.Length, 2, 20);
            for (var mask = 0; mask < 1 << (bytes.Length - 1); mask++)
            {
                Check(recording, bytes, [.. Enumerable.Range(1, bytes.Length - 1).Where(at => (mask & (1 << (at - 1))) != 0)]);
            }
        }
    }

    [Fact]
    public void EveryWayToCutAnOutputInTwo_IsReadAlike()
    {
        foreach (var recording in Recording.Long)
        {
            var bytes = Encoding.UTF8.GetBytes(recording.Text);
            Check(recording, bytes, []);
            Check(recording, bytes, [.. Enumerable.Range(1, bytes.Length - 1)]);
            for (var at = 1; at < bytes.Length; at++)
            {
                Check(recording, bytes, [at]);
            }
        }
    }

    [Fact]
    public void RandomSplitsOfLongOutputs_AreReadAlike()
    {
        log.WriteLine($"{RandomSplits} splits with seed {Seed}");
        var random = new Random(Seed);
        var outputs = Recording.Long.Select(recording => (Recording: recording, Bytes: Encoding.UTF8.GetBytes(recording.Text))).ToArray();
        for (var i = 0; i < RandomSplits; i++)
        {
            var (recording, bytes) = outputs[i % outputs.Length];
            var longest = random.Next(2, 24); // tokens of about half as many bytes
            var cuts = new List<int>();
            for (var at = random.Next(1, longest); at < bytes.Length; at += random.Next(1, longest))
            {
                cuts.Add(at);
            }

            Check(recording, bytes, cuts);
        }
    }

    private static void Check(Recording recording, byte[] bytes, IReadOnlyList<int> cuts)
    {
        var log = new PartLog();
        var header = new StreamHeader(new StreamId("s"), "", default, "m", "chat", new Telling { Choices = 1, Reading = recording.Reading });
        var stage = AnswerStage.Before(header, log);
        var tokenizer = new SlicedTokenizer(bytes, cuts);
        var output = new OutputText(tokenizer, recording.Stop, [], 0, stage);
        var token = 0;
        while (token < tokenizer.VocabularySize && !output.Append(new StreamToken(token, null)) && !output.HasEnough)
        {
            token++;
        }

        if (!log.HasEnded)
        {
            output.Finish(FinishReason.Stop);
        }

        var parsed = Parsed.Join(log.Parts);
        if (parsed != recording.Expected)
        {
            Assert.Fail($"{recording.Name}, cut at {string.Join(' ', cuts)}:\n{parsed}\ninstead of\n{recording.Expected}");
        }
    }

    /// <summary>Keeps what comes.</summary>
    private sealed class PartLog : IStreamWriter
    {
        public List<DeltaPart> Parts { get; } = [];

        public bool HasEnded { get; private set; }

        public void Append(StreamEvent streamEvent)
        {
            var delta = Assert.IsType<StreamDelta>(streamEvent);
            Assert.False(HasEnded);
            Assert.False(delta.Parts.IsDefault);
            HasEnded = delta.Finish is not null;
            Parts.AddRange(delta.Parts);
        }
    }
}
