using System.Net;
using System.Text;
using System.Text.Json;
using Sluice.Server.Tests.Scripted;

namespace Sluice.Server.Tests.Access.Limits;

/// <summary>
/// One way to start a generation: a row of the table that every rule is tested with. Whoever lands a transport or a
/// dialect adds its row to <see cref="All"/>; what the rules are is <see cref="RulesOnEveryTransport"/>'s matter.
/// </summary>
internal abstract class Transport
{
    public static readonly Transport[] All =
    [
        new HttpTransport("chat completions", "/v1/chat/completions", """{"messages":[{"role":"user","content":"Hello"}],"stream":true}"""),
        new HttpTransport("completions", "/v1/completions", """{"prompt":"Hello","stream":true}"""),
        new HttpTransport("streams", "/v1/streams", """{"messages":[{"role":"user","content":"Hello"}]}""") { IsRead = false },
    ];

    public abstract string Name { get; }

    /// <summary>Starts a generation of the prompt "Hello", and does not wait for its end.</summary>
    /// <param name="server">Where.</param>
    /// <param name="key">The key to come with; none where it is null.</param>
    /// <param name="host">The host to name; the right one where it is null.</param>
    public abstract Task<Attempt> StartAsync(TestServer server, string? key, string? host = null);

    /// <summary>Whether an attempt reads its stream, and so is told how it ends.</summary>
    public bool IsRead { get; init; } = true;

    /// <summary>Reads a stream to its end. The code of the error that ended it; null where it ended well, or is not read.</summary>
    public abstract Task<string?> ReadErrorAsync(Attempt attempt);
}

/// <summary>Why a transport refused.</summary>
internal enum Refused
{
    /// <summary>No valid key: 401, UNAUTHENTICATED.</summary>
    Unauthenticated,

    /// <summary>A host that is not ours: 403, PERMISSION_DENIED.</summary>
    Forbidden,

    /// <summary>Too much: 429, RESOURCE_EXHAUSTED.</summary>
    TooMuch,

    /// <summary>Not at the moment: 503, UNAVAILABLE.</summary>
    Unavailable,
}

/// <summary>A generation that was asked for.</summary>
/// <param name="Refused">Why it was not begun; null where it was.</param>
/// <param name="Code">The refusal's stable name.</param>
/// <param name="RetryAfter">When to try again, in seconds, where that was said.</param>
/// <param name="Connection">What keeps the answer open.</param>
internal sealed record Attempt(Refused? Refused, string? Code, double? RetryAfter, IDisposable Connection) : IDisposable
{
    public void Dispose() => Connection.Dispose();
}

/// <summary>A POST with a JSON body, answered in server-sent events or at once.</summary>
/// <param name="name">What the row is called.</param>
/// <param name="path">Where.</param>
/// <param name="body">The body.</param>
/// <param name="codePath">Where an error body has its stable name.</param>
internal sealed class HttpTransport(string name, string path, string body, string codePath = "error.code") : Transport
{
    public override string Name => name;

    public override async Task<Attempt> StartAsync(TestServer server, string? key, string? host = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.Host = host;
        if (key is not null)
        {
            request.Headers.Add("Authorization", $"Bearer {key}");
        }

        var response = await server.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        if (response.IsSuccessStatusCode)
        {
            return new Attempt(null, null, null, response);
        }

        var refused = response.StatusCode switch
        {
            HttpStatusCode.Unauthorized => Refused.Unauthenticated,
            HttpStatusCode.Forbidden => Refused.Forbidden,
            HttpStatusCode.TooManyRequests => Refused.TooMuch,
            HttpStatusCode.ServiceUnavailable => Refused.Unavailable,
            var other => throw new InvalidOperationException($"{name} answered {other}."),
        };
        return new Attempt(refused, (await response.ReadJsonAsync()).Text(codePath), response.Headers.RetryAfter?.Delta?.TotalSeconds, response);
    }

    public override async Task<string?> ReadErrorAsync(Attempt attempt)
    {
        var response = (HttpResponseMessage)attempt.Connection;
        if (!IsRead)
        {
            return null;
        }

        using var reader = await SseReader.OpenAsync(response);
        var last = (await reader.RestAsync())[^1];
        return last == "[DONE]" ? null : JsonElement.Parse(last).Text(codePath);
    }
}
