using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Sluice.Benchmarks.Serving.Servers;

/// <summary>A server that the benchmark started, and ends. What it prints goes to a file.</summary>
internal sealed partial class ServerProcess : IAsyncDisposable
{
    private const int Terminate = 15;

    private static readonly TimeSpan ToEnd = TimeSpan.FromSeconds(10);

    private readonly Process _process;

    private ServerProcess(Process process, string logPath) => (_process, LogPath) = (process, logPath);

    public int Id => _process.Id;

    public string LogPath { get; }

    public bool HasExited => _process.HasExited;

    public static ServerProcess Start(string command, string logPath)
    {
        // exec, so that the process is the server and not a shell around it.
        var start = new ProcessStartInfo("/bin/sh") { ArgumentList = { "-c", $"exec {command} >'{logPath}' 2>&1" } };

        // Meant for this client, whose sockets' continuations are short; a server's are not.
        start.Environment.Remove("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS");
        return new ServerProcess(Process.Start(start)!, logPath);
    }

    /// <summary>A port of the loopback interface that is free at the moment.</summary>
    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _ = Signal(_process.Id, Terminate);
            using var patience = new CancellationTokenSource(ToEnd);
            try
            {
                await _process.WaitForExitAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                _process.Kill(entireProcessTree: true);
                await _process.WaitForExitAsync(CancellationToken.None);
            }
        }

        _process.Dispose();
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Signal(int pid, int signal);
}
