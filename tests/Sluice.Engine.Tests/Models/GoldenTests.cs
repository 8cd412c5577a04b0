using System.Text.Json;
using Sluice.Engine.Cache;
using Sluice.Engine.Gguf;
using Sluice.Engine.Requests;
using Sluice.Streams;

namespace Sluice.Engine.Tests.Models;

/// <summary>Whole models against the recorded answers of another implementation, position by position.</summary>
public sealed class GoldenTests
{
    public static TheoryData<string, double> Models => new()
    {
        { "tiny-llama-F32", 2e-3 },
        { "tiny-llama-F16", 2e-3 },

        // Before a BF16 weight an activation keeps eight bits. Summing in another order than the reference moves one
        // now and then over a rounding boundary; from there on this much of rounding noise separates the two.
        { "tiny-llama-BF16", 0.02 },
        { "tiny-llama-Q8_0", 0.05 },
        { "tiny-llama-Q5_0", 0.05 },
        { "tiny-llama-Q5_1", 0.05 },
        { "tiny-llama-Q4_0", 0.15 },
        { "tiny-llama-Q4_K_M", 0.15 },
        { "tiny-llama-Q5_K_S", 0.15 },
        { "tiny-llama-Q6_K", 0.15 },
        { "tiny-qwen2-Q8_0", 0.05 },
        { "tiny-qwen3-F32", 2e-3 },
        { "tiny-qwen3-Q8_0", 0.05 },
    };

    [Theory]
    [MemberData(nameof(Models))]
    public void RecordedTokensFedBack_LogprobsAgree(string model, double tolerance) => Compare(model, KvType.F32, tolerance);

    /// <summary>The answers were recorded with keys and values in F32; narrower types differ by their own rounding, no more.</summary>
    [Theory]
    [InlineData("tiny-llama-F32", KvType.F16, 0.005)]
    [InlineData("tiny-llama-Q8_0", KvType.F16, 0.1)]
    [InlineData("tiny-qwen3-F32", KvType.F16, 0.005)]
    [InlineData("tiny-llama-F32", KvType.Q8_0, 0.1)]
    [InlineData("tiny-qwen3-F32", KvType.Q8_0, 0.1)]
    public void NarrowerKeysAndValues_LogprobsAgreeAlmost(string model, KvType type, double tolerance) => Compare(model, type, tolerance);

    private static void Compare(string model, KvType type, double tolerance)
    {
        using var golden = JsonDocument.Parse(File.ReadAllBytes(Conformance.PathOf("golden.json")));
        using var engine = InferenceEngine.Load(new EngineOptions { ModelPath = Conformance.PathOf($"models/{model}.gguf"), Threads = 2, KvType = type });
        var recorded = golden.RootElement.EnumerateArray().Single(entry => entry.GetProperty("model").GetString() == model + ".gguf");
        var worst = 0.0;
        var closest = double.MaxValue;
        var compared = 0;
        foreach (var goldenCase in recorded.GetProperty("cases").EnumerateArray())
        {
            var prompt = goldenCase.GetProperty("prompt").EnumerateArray().Select(id => id.GetInt32()).ToList();
            var steps = goldenCase.GetProperty("steps").EnumerateArray().ToList();
            var fed = prompt.Concat(steps.Select(step => step.GetProperty("id").GetInt32()));
            var logprobs = PromptLogprobs(engine, [.. fed]);
            for (var i = 0; i < steps.Count; i++)
            {
                var worstOfStep = 0.0;
                var ours = logprobs[prompt.Count + i].Top.ToDictionary(entry => entry.Id, entry => entry.Logprob);
                foreach (var top in steps[i].GetProperty("top").EnumerateArray())
                {
                    var token = top[0].GetInt32();
                    Assert.True(ours.TryGetValue(token, out var logprob), $"Position {i}: token {token} is not among our most likely.");
                    worstOfStep = Math.Max(worstOfStep, Math.Abs(logprob - top[1].GetDouble()));
                    compared++;
                }

                worst = Math.Max(worst, worstOfStep);
                closest = Math.Min(closest, worstOfStep);
            }
        }

        Assert.Equal(4 * 24 * 8, compared);
        TestContext.Current.SendDiagnosticMessage($"{model}, {type}: largest difference {worst:G3}, smallest of a position {closest:G3}");
        Assert.True(worst <= tolerance, $"{model}: log probabilities differ by up to {worst:G4}; {tolerance} is allowed.");
    }

    [Fact]
    public void UnsupportedArchitecture_IsRefusedWithTheSupportedOnes()
    {
        var error = Assert.Throws<ModelLoadException>(() => InferenceEngine.Load(new EngineOptions { ModelPath = Conformance.PathOf("models/tiny-gemma3-Q8_0.gguf") }));

        Assert.Contains("gemma3", error.Message);
        Assert.Contains("qwen3", error.Message);
    }

    [Fact]
    public void VocabularyOnlyFile_IsRefusedAsAModel()
    {
        var error = Assert.ThrowsAny<Exception>(() => InferenceEngine.Load(new EngineOptions { ModelPath = Conformance.PathOf("vocab/ggml-vocab-llama-spm.gguf") }));

        Assert.True(error is ModelLoadException or GgufException, $"{error}");
    }

    private static List<TokenLogprobs> PromptLogprobs(InferenceEngine engine, int[] prompt)
    {
        var log = new StreamLog();
        engine.Start(new GenerationRequest { Prompt = [.. prompt], MaxTokens = 0, EchoPrompt = true, Logprobs = RequestValidator.MaxLogprobs }, log, CancellationToken.None);
        return [.. EngineRun.Deltas(log).SelectMany(delta => delta.Tokens).Select(token => token.Logprobs!)];
    }
}
