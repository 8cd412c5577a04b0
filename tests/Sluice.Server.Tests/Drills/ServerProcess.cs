using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Sluice.Server.Tests.Drills;

/// <summary>A server as its users start it: a process of its own, which can be killed.</summary>
internal sealed class ServerProcess : IDisposable
{
    private readonly Process _process;

    private ServerProcess(Process process) => _process = process;

    /// <summary>Starts <c>sluice serve</c>; completes when it listens, with its model still to load.</summary>
    public static async Task<ServerProcess> StartAsync(int port, string data, Action<string> told, CancellationToken cancellation)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path : "dotnet")
        {
            ArgumentList = { Path.Combine(AppContext.BaseDirectory, "sluice.dll"), "serve", "--port", $"{port}", "--data", data, "--threads", "2" },
            WorkingDirectory = data,
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["DOTNET_TieredPGO"] = "0"; // it starts sooner
        var process = Process.Start(start)!;
        process.ErrorDataReceived += (_, line) => told(line.Data ?? "");
        process.BeginErrorReadLine();
        var first = await process.StandardOutput.ReadLineAsync(cancellation);
        Assert.Contains("listens", first, StringComparison.Ordinal);
        _ = process.StandardOutput.ReadToEndAsync(CancellationToken.None); // so that it never waits for us
        return new ServerProcess(process);
    }

    /// <summary>A port that nobody listens at.</summary>
    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>Ends it as nothing can be prepared for: SIGKILL.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync(CancellationToken.None);
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.Dispose();
    }
}
