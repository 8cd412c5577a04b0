using Sluice.Engine.Requests;
using Sluice.Server.Tests.Scripted;
using Sluice.Streams;

namespace Sluice.Server.Tests.Commands;

public sealed class RunCommandTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sluice-run-");
    private readonly string _model;

    public RunCommandTests()
    {
        _model = Path.Combine(_folder.FullName, "model.gguf");
        File.WriteAllText(_model, "");
    }

    [Fact]
    public async Task Pipe_GetsTheTextAndNothingElse()
    {
        using var terminal = new TestTerminal();
        var (code, request) = await RunAsync(terminal, "run", "Hello <eos>", "--model", _model);

        Assert.Equal(0, code);
        Assert.Equal("Grüße 🦊\u001b[31m!\n", terminal.Output);
        Assert.Equal("", terminal.Error);
        Assert.Equal(
            "<bos><|im_start|>user\nHello <eos><|im_end|>\n<|im_start|>assistant\n", new ByteTokenizer().Decode(request.Prompt.AsSpan(), includeSpecial: true));
        Assert.DoesNotContain(ByteTokenizer.Eos, request.Prompt);
    }

    [Fact]
    public async Task Terminal_GetsFiguresAndNoControlCharacters()
    {
        using var terminal = new TestTerminal(isTerminal: true);
        await RunAsync(terminal, "run", "Hello", "--model", _model);

        Assert.Equal("Grüße 🦊[31m!\n", terminal.Output);
        Assert.Contains("first text after 21 ms", terminal.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Options_ReachTheRequest()
    {
        var (_, request) = await RunAsync(
            new TestTerminal(), "run", "Hello", "--model", _model, "--system", "Be brief.", "--max-tokens", "7", "--temperature", "0.5", "--top-k", "4", "--top-p", "0.25", "--min-p", "0.125", "--seed", "9");

        Assert.Equal(7, request.MaxTokens);
        Assert.Equal(new SamplingOptions { Temperature = 0.5f, TopK = 4, TopP = 0.25f, MinP = 0.125f, Seed = 9 }, request.Sampling);
        Assert.StartsWith("<bos><|im_start|>system\nBe brief.<|im_end|>\n", new ByteTokenizer().Decode(request.Prompt.AsSpan(), includeSpecial: true), StringComparison.Ordinal);
    }

    [Fact]
    public async Task RawPrompt_HasNoTemplate()
    {
        var (_, request) = await RunAsync(new TestTerminal(), "run", "--raw", "ab", "--model", _model);

        Assert.Equal([ByteTokenizer.Bos, 'a', 'b'], request.Prompt);
    }

    [Fact]
    public async Task PromptLeftOut_IsReadFromThePipe()
    {
        var (_, request) = await RunAsync(new TestTerminal(TestTerminal.Utf8("ab\n")), "run", "--raw", "--model", _model);

        Assert.Equal([ByteTokenizer.Bos, 'a', 'b', '\n'], request.Prompt);
    }

    [Fact]
    public async Task StoppedGeneration_EndsItsLineAndSaysSo()
    {
        using var terminal = new TestTerminal();
        var engine = new ScriptedEngine
        {
            Script = stream =>
            {
                stream.Say("Once upon");
                stream.Finish(FinishReason.Cancelled);
            },
        };

        Assert.Equal(130, await terminal.RunAsync((_, _) => engine, "run", "Hello", "--model", _model));
        Assert.Equal("Once upon\n", terminal.Output);
    }

    [Fact]
    public async Task FailedGeneration_IsOneSentence()
    {
        using var terminal = new TestTerminal();
        var engine = new ScriptedEngine { Script = stream => stream.Fail("engine_fault", "A kernel tripped.") };

        Assert.NotEqual(0, await terminal.RunAsync((_, _) => engine, "run", "Hello", "--model", _model));
        Assert.Equal("sluice: A kernel tripped.\n", terminal.Error);
    }

    [Theory]
    [InlineData("temperature is 101", "--temperature", "101")]
    [InlineData("--system needs a chat template", "--raw", "--system", "x")]
    public async Task WrongOption_IsOneSentence(string says, params string[] more)
    {
        using var terminal = new TestTerminal();

        Assert.Equal(2, await terminal.RunAsync((_, _) => new ScriptedEngine(), ["run", "Hello", "--model", _model, .. more]));
        Assert.StartsWith("sluice: " + says, terminal.Error, StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private static async Task<(int Code, GenerationRequest Request)> RunAsync(TestTerminal terminal, params string[] args)
    {
        GenerationRequest? request = null;
        var engine = new ScriptedEngine
        {
            Script = stream =>
            {
                request = stream.Request;
                stream.Say("Grüße ");
                stream.Say("🦊\u001b[31m");
                stream.Finish(text: "!");
            },
        };
        return (await terminal.RunAsync((_, _) => engine, args), request!);
    }
}
