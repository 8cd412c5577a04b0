using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace Sluice.Benchmarks.Serving.Servers;

/// <summary>An OpenAI-compatible server that runs and is ready: what the workloads are sent to.</summary>
internal sealed class Target : IAsyncDisposable
{
    private static readonly TimeSpan ToLoad = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);

    private readonly ServerProcess? _process;

    private Target(string name, IPEndPoint endPoint, ServerProcess? process)
        => (Name, EndPoint, _process, ProcessId) = (name, endPoint, process, process?.Id ?? ProcessReading.FindListener(endPoint.Port));

    public string Name { get; }

    public IPEndPoint EndPoint { get; }

    /// <summary>null where the server is another machine's, or another user's.</summary>
    public int? ProcessId { get; }

    /// <summary>Tokens that the server lets one sequence have; null where it does not tell.</summary>
    public int? ContextLength { get; private set; }

    public RequestWriter Requests { get; private set; } = null!;

    /// <summary>Starts the server where it is to be started, and waits until its model is loaded.</summary>
    /// <exception cref="TargetException">It does not come up, or is not there.</exception>
    public static async Task<Target> OpenAsync(TargetSpec spec, string modelPath, string logFolder)
    {
        ServerProcess? process = null;
        IPEndPoint endPoint;
        if (spec.Address is { } address)
        {
            endPoint = new IPEndPoint((await Dns.GetHostAddressesAsync(address.Host, AddressFamily.InterNetwork))[0], address.Port);
        }
        else
        {
            endPoint = new IPEndPoint(IPAddress.Loopback, ServerProcess.FreePort());
            var command = spec.Command!.Replace("{model}", modelPath, StringComparison.Ordinal).Replace("{port}", $"{endPoint.Port}", StringComparison.Ordinal);
            process = ServerProcess.Start(command, Path.Combine(logFolder, $"{spec.Name}-{endPoint.Port}.log"));
        }

        var target = new Target(spec.Name, endPoint, process);
        try
        {
            await target.GetReadyAsync();
            return target;
        }
        catch
        {
            await target.DisposeAsync();
            throw;
        }
    }

    public ProcessReading? ReadProcess() => ProcessId is { } pid ? ProcessReading.Take(pid) : null;

    public ValueTask DisposeAsync() => _process?.DisposeAsync() ?? ValueTask.CompletedTask;

    private async Task GetReadyAsync()
    {
        using var http = new HttpClient { BaseAddress = new Uri($"http://{EndPoint}"), Timeout = TimeSpan.FromSeconds(10) };
        for (var tries = 0; ; tries++)
        {
            if (_process is { HasExited: true })
                throw new TargetException($"{Name} ended while it was loading; {_process.LogPath} has what it said.");

            if (await TryGetModelAsync(http) is { } model)
            {
                await LearnAsync(http, model);
                return;
            }

            if (tries * Look > ToLoad || (_process is null && tries > 20))
                throw new TargetException($"{Name} does not answer at http://{EndPoint}/v1/models.");

            await Task.Delay(Look);
        }
    }

    /// <summary>The server's first model; null while it cannot tell. Ready is who is healthy too, where the server has such a route.</summary>
    private static async Task<JsonElement?> TryGetModelAsync(HttpClient http)
    {
        try
        {
            using var health = await http.GetAsync("/health");
            if (health.StatusCode == HttpStatusCode.ServiceUnavailable)
                return null;

            using var answer = await http.GetAsync("/v1/models");
            if (!answer.IsSuccessStatusCode)
                return null;

            using var json = JsonDocument.Parse(await answer.Content.ReadAsByteArrayAsync());
            return json.RootElement.GetProperty("data")[0].Clone();
        }
        catch (Exception fault) when (fault is HttpRequestException or TaskCanceledException)
        {
            return null;
        }
    }

    private async Task LearnAsync(HttpClient http, JsonElement model)
    {
        var id = model.GetProperty("id").GetString()!;
        ContextLength = model.TryGetProperty("max_model_len", out var length) && length.TryGetInt32(out var tokens) ? tokens : null;
        Requests = new RequestWriter(EndPoint, id, takesTokenIds: true);
        using var probe = new HttpRequestMessage(HttpMethod.Post, "/v1/completions") { Content = new ByteArrayContent(Requests.CompletionBody([10, 11], 1)) };
        probe.Content.Headers.ContentType = new("application/json");
        using var answer = await http.SendAsync(probe);
        if (!answer.IsSuccessStatusCode)
            Requests = new RequestWriter(EndPoint, id, takesTokenIds: false);
    }
}

/// <summary>A server is not there; the message says which and where to look.</summary>
internal sealed class TargetException(string message) : Exception(message);
