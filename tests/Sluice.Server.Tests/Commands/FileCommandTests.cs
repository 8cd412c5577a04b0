using System.Text.Json;
using Sluice.Engine.Gguf;

namespace Sluice.Server.Tests.Commands;

/// <summary><c>inspect</c> and <c>tokenize</c>, which read a model's file and load no engine.</summary>
public sealed class FileCommandTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sluice-commands-");

    [Theory]
    [InlineData("gpt-2")]
    [InlineData("llama-spm")]
    [InlineData("deepseek-llm")]
    public async Task VocabularyOnlyFile_TokenizesExactly(string name)
    {
        var model = Conformance.PathOf($"vocab/ggml-vocab-{name}.gguf");
        var inputs = (await File.ReadAllTextAsync(model + ".inp", TestContext.Current.CancellationToken)).Split("\n__ggml_vocab_test__\n");
        var outputs = (await File.ReadAllTextAsync(model + ".out", TestContext.Current.CancellationToken)).Split('\n');

        // The files end alike: after the last input nothing, after the last line an empty one.
        Assert.Equal(outputs.Length, inputs.Length);
        for (var i = 0; i < inputs.Length - 1; i += 12) // every case is the tokenizers' own tests' matter
        {
            using var terminal = new TestTerminal(TestTerminal.Utf8(inputs[i]));
            Assert.Equal(0, await terminal.RunAsync("tokenize", "--model", model));
            var expected = outputs[i].Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse);
            Assert.Equal(expected, JsonSerializer.Deserialize<int[]>(terminal.Output)!);
            Assert.Equal(terminal.Output.Length - 1, terminal.Output.IndexOf('\n', StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task Tokenize_AddsAndParsesSpecialTokensOnlyWhenAsked()
    {
        var model = Conformance.PathOf("vocab/ggml-vocab-llama-spm.gguf");
        using var plain = new TestTerminal(TestTerminal.Utf8("</s>"));
        using var special = new TestTerminal(TestTerminal.Utf8("</s>"));
        await plain.RunAsync("tokenize", "--model", model);
        await special.RunAsync("tokenize", "--special", "--model", model);

        Assert.Equal([1, 2], JsonSerializer.Deserialize<int[]>(special.Output)!);
        Assert.DoesNotContain(2, JsonSerializer.Deserialize<int[]>(plain.Output)!);
    }

    [Fact]
    public async Task Tokenize_LeavesByteOrderMarkAndLineEndsInTheText()
    {
        var model = Conformance.PathOf("vocab/ggml-vocab-gpt-2.gguf");
        using var terminal = new TestTerminal([0xEF, 0xBB, 0xBF, .. "a\r\n"u8]);
        await terminal.RunAsync("tokenize", "--model", model);
        using var file = GgufFile.Open(model);
        var tokenizer = Engine.Tokens.Tokenizer.Load(file.Metadata);

        Assert.Equal("\uFEFFa\r\n", tokenizer.Decode(JsonSerializer.Deserialize<int[]>(terminal.Output), includeSpecial: false));
    }

    [Fact]
    public async Task Inspect_PrintsMetadataAndTensors()
    {
        using var terminal = new TestTerminal();
        var model = Conformance.PathOf("models/tiny-llama-Q8_0.gguf");
        var code = await terminal.RunAsync("inspect", model);

        Assert.Equal(0, code);
        Assert.StartsWith(model + ": GGUF version 3", terminal.Output, StringComparison.Ordinal);
        Assert.Matches("""(?m)^  general\.architecture +string +"llama"$""", terminal.Output);
        Assert.Matches("""(?m)^  llama\.block_count +u32 +2$""", terminal.Output);
        Assert.Matches("""(?m)^  blk\.0\.attn_q\.weight +Q8_0 +256 x 256 +69,632 bytes$""", terminal.Output);
        Assert.Equal("", terminal.Error);
    }

    [Theory]
    [InlineData("inspect", "nowhere.gguf")]
    [InlineData("tokenize", "--model", "nowhere.gguf")]
    public async Task MissingFile_IsOneSentence(params string[] args)
    {
        using var terminal = new TestTerminal([]);

        Assert.Equal(2, await terminal.RunAsync(args));
        Assert.Contains("nowhere.gguf", Assert.Single(terminal.Error.TrimEnd('\n').Split('\n')), StringComparison.Ordinal);
        Assert.Equal("", terminal.Output);
    }

    [Theory]
    [InlineData("inspect")]
    [InlineData("tokenize", "--model")]
    public async Task FileThatIsNoModel_IsOneSentence(params string[] args)
    {
        var path = Path.Combine(_folder.FullName, "poem.gguf");
        await File.WriteAllTextAsync(path, "The quick brown fox jumps over the lazy dog.", TestContext.Current.CancellationToken);
        using var terminal = new TestTerminal([]);

        Assert.Equal(2, await terminal.RunAsync([.. args, path]));
        Assert.Contains("poem.gguf", Assert.Single(terminal.Error.TrimEnd('\n').Split('\n')), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--prot", "9000")]
    [InlineData("serve", "now")]
    [InlineData("inspect")]
    [InlineData("run", "a", "--max-tokens", "many")]
    public async Task CommandLineThatIsWrong_IsOneSentence(params string[] args)
    {
        using var terminal = new TestTerminal([]);

        Assert.Equal(2, await terminal.RunAsync(args));
        Assert.StartsWith("sluice: ", Assert.Single(terminal.Error.TrimEnd('\n').Split('\n')), StringComparison.Ordinal);
        Assert.Equal("", terminal.Output);
    }

    [Fact]
    public async Task Help_NamesTheCommandsAndTheSettings()
    {
        using var terminal = new TestTerminal();

        Assert.Equal(0, await terminal.RunAsync("--help"));
        foreach (var word in (string[])["serve", "run", "inspect", "tokenize", "--model", "--kv-memory", "--api-key", "--config"])
        {
            Assert.Contains(word, terminal.Output, StringComparison.Ordinal);
        }
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
