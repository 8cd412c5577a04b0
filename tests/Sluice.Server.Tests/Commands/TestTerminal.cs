using System.Text;
using Sluice.Server.Commands;

namespace Sluice.Server.Tests.Commands;

/// <summary>Runs a command within the test's process, and keeps what it wrote.</summary>
internal sealed class TestTerminal(byte[]? input = null, bool isTerminal = false) : IDisposable
{
    private readonly StringWriter _output = new() { NewLine = "\n" };
    private readonly StringWriter _error = new() { NewLine = "\n" };

    public string Output => _output.ToString();

    public string Error => _error.ToString();

    public Task<int> RunAsync(EngineLoader loadEngine, params string[] args) => CommandLine.RunAsync(
        args,
        new Terminal(new MemoryStream(input ?? []), _output, _error) { OutputIsTerminal = isTerminal, ErrorIsTerminal = isTerminal, InputIsRedirected = input is not null },
        loadEngine);

    public Task<int> RunAsync(params string[] args)
        => RunAsync((options, progress) => throw new InvalidOperationException($"This command should load no engine, and asked for {options.ModelPath}."), args);

    public static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);

    public void Dispose()
    {
        _output.Dispose();
        _error.Dispose();
    }
}
