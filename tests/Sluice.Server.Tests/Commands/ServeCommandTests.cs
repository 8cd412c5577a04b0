using System.Net;
using System.Net.Sockets;
using Sluice.Engine;
using Sluice.Server.Tests.Scripted;

namespace Sluice.Server.Tests.Commands;

public sealed class ServeCommandTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sluice-serve-");
    private readonly string _model;

    public ServeCommandTests()
    {
        _model = Path.Combine(_folder.FullName, "model.gguf");
        File.WriteAllText(_model, "");
    }

    [Fact]
    public async Task PortInUse_IsOneSentence()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var port = ((IPEndPoint)other.LocalEndpoint).Port;
        using var terminal = new TestTerminal();

        Assert.Equal(2, await terminal.RunAsync((_, _) => new ScriptedEngine(), "serve", "--model", _model, "--port", $"{port}"));
        Assert.Equal($"sluice: Port {port} at 127.0.0.1 is in use; end what uses it, or choose another with --port.\n", terminal.Error);
        Assert.Equal("", terminal.Output);
    }

    [Fact]
    public async Task AddressOfAnotherMachine_IsOneSentence()
    {
        using var terminal = new TestTerminal();

        Assert.Equal(2, await terminal.RunAsync((_, _) => new ScriptedEngine(), "--model", _model, "--port", "0", "--host", "192.0.2.1"));
        Assert.StartsWith("sluice: Cannot listen at 192.0.2.1:0", Assert.Single(terminal.Error.TrimEnd('\n').Split('\n'), line => !line.Contains("whoever", StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task KeyFileThatCannotBeUsed_IsOneSentence()
    {
        var keys = Path.Combine(_folder.FullName, "keys.json");
        await File.WriteAllTextAsync(keys, "{}", TestContext.Current.CancellationToken);
        using var terminal = new TestTerminal();

        Assert.Equal(2, await terminal.RunAsync((_, _) => new ScriptedEngine(), "--model", _model, "--port", "0", "--key-file", keys));
        Assert.Equal($"sluice: The key file {keys} cannot be used: it must be a JSON object with an array 'keys'; 'sluice key NAME' prints an entry for it.\n", terminal.Error);
    }

    [Fact]
    public async Task FlagOfAList_CanBeRepeated()
    {
        using var terminal = new TestTerminal();

        Assert.Equal(2, await terminal.RunAsync((_, _) => new ScriptedEngine(), "--model", _model, "--cors", "https://one.example", "--cors", "two"));
        Assert.StartsWith("sluice: --cors has 'two'; an origin is", terminal.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ModelThatCannotBeLoaded_EndsTheServer()
    {
        using var terminal = new TestTerminal();

        Assert.Equal(2, await terminal.RunAsync((_, _) => throw new ModelLoadException("The architecture is strange."), "--model", _model, "--port", "0"));
        Assert.Equal("sluice: The architecture is strange.\n", terminal.Error);
        Assert.StartsWith("Sluice 0.1.0 listens at http://127.0.0.1:", terminal.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task EngineThatDoesNotWork_EndsTheProcessForItsSupervisor()
    {
        using var terminal = new TestTerminal();

        Assert.Equal(70, await Patience.For(terminal.RunAsync((_, _) => new ScriptedEngine { ReadStatus = () => new EngineStatus { FaultsInARow = 3 } }, "--model", _model, "--port", "0")));
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
