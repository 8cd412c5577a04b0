using System.Globalization;
using System.Text.Json;
using Sluice.Engine.Gguf;
using Sluice.Engine.Tokens;

namespace Sluice.Engine.Tests.Tokens;

/// <summary>Ids against llama.cpp's, which are recorded in the conformance data.</summary>
public sealed class TokenizerConformanceTests
{
    private const string Separator = "\n__ggml_vocab_test__\n";

    [Fact]
    public void GoldenTexts_GiveTheRecordedIds()
    {
        using var golden = JsonDocument.Parse(File.ReadAllBytes(Conformance.PathOf("golden.json")));
        var count = 0;
        foreach (var model in golden.RootElement.EnumerateArray())
        {
            var name = model.GetProperty("model").GetString()!;
            var tokenizer = Load(Path.Combine("models", name));
            foreach (var entry in model.GetProperty("tokenize").EnumerateArray())
            {
                var text = entry.GetProperty("text").GetString()!;
                Assert.Equal((name, text, Ids(entry, "ids")), (name, text, Join(tokenizer.Encode(text, addSpecial: false, parseSpecial: false))));
                Assert.Equal((name, text, Ids(entry, "ids_special")), (name, text, Join(tokenizer.Encode(text, addSpecial: true, parseSpecial: true))));
                count++;
            }
        }

        Assert.True(count >= 100, $"only {count} texts");
    }

    [Theory]
    [InlineData("ggml-vocab-gpt-2.gguf")]
    [InlineData("ggml-vocab-llama-spm.gguf")]
    [InlineData("ggml-vocab-deepseek-llm.gguf")]
    public void VocabularyTexts_GiveTheRecordedIdsAndComeBack(string name)
    {
        var tokenizer = Load(Path.Combine("vocab", name));
        var texts = File.ReadAllText(Conformance.PathOf(Path.Combine("vocab", name + ".inp"))).Split(Separator);
        var lines = File.ReadAllLines(Conformance.PathOf(Path.Combine("vocab", name + ".out")));
        Assert.Equal(46, lines.Length);
        for (var i = 0; i < lines.Length; i++)
        {
            var ids = tokenizer.Encode(texts[i], addSpecial: false, parseSpecial: false);
            Assert.Equal((texts[i], lines[i].Trim()), (texts[i], Join(ids)));
            Assert.Equal(texts[i], tokenizer.Decode(ids, includeSpecial: false));
        }
    }

    internal static Tokenizer Load(string name)
    {
        using var file = GgufFile.Open(Conformance.PathOf(name));
        return Tokenizer.Load(file.Metadata);
    }

    private static string Ids(JsonElement entry, string name)
        => Join(entry.GetProperty(name).EnumerateArray().Select(id => id.GetInt32()));

    private static string Join(IEnumerable<int> ids) => string.Join(' ', ids.Select(id => id.ToString(CultureInfo.InvariantCulture)));
}
