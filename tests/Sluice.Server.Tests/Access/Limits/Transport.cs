using System.Net;
using System.Text;
using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Sluice.Server.Protocols.Grpc.OpenInference.Wire;
using Sluice.Server.Protocols.Grpc.V1;
using Sluice.Server.Tests.Scripted;

namespace Sluice.Server.Tests.Access.Limits;

/// <summary>
/// One way to start a generation: a row of the table that every rule is tested with. Whoever lands a transport or a
/// dialect adds its row to <see cref="All"/>; what the rules are is <see cref="RulesOnEveryTransport"/>'s matter.
/// </summary>
internal abstract class Transport
{
    private const string Chat = """{"model":"any","max_tokens":200,"messages":[{"role":"user","content":"Hello"}],"stream":true}""";

    private static GenerateRequest Generate => new() { Conversation = new Conversation { Messages = { new Message { Role = "user", Content = "Hello" } } } };

    public static readonly Transport[] All =
    [
        new HttpTransport("chat completions", "/v1/chat/completions", Chat) { CodePath = "error.code" },
        new HttpTransport("completions", "/v1/completions", """{"prompt":"Hello","stream":true}""") { CodePath = "error.code" },
        new HttpTransport("streams", "/v1/streams", Chat) { CodePath = "error.code", IsRead = false },
        new HttpTransport("responses", "/v1/responses", """{"input":"Hello","stream":true}""") { CodePath = "error.code" },
        new HttpTransport("responses in the background", "/v1/responses", """{"input":"Hello","background":true}""") { CodePath = "error.code", IsRead = false },
        new HttpTransport("messages", "/v1/messages", Chat) { KeyHeader = "x-api-key", CodePath = "error.details.error_code" },
        new HttpTransport("ollama chat", "/api/chat", Chat) { CodePath = "code" },
        new HttpTransport("ollama generate", "/api/generate", """{"model":"any","prompt":"Hello"}""") { CodePath = "code" },
        new StreamsSocketTransport(),
        new RealtimeTransport(),
        new GrpcTransport<Event>("sluice.v1.Inference/Generate", Generate, Event.Parser, static answer => answer.Failed?.Error),
        new GrpcTransport<ChatResponse>("sluice.v1.Inference/Chat", new ChatRequest { Tag = "a", Start = new Start { Request = Generate } }, ChatResponse.Parser, static answer => answer.Error ?? answer.Event.Failed?.Error),
        new GrpcTransport<ModelInferResponse>("inference.GRPCInferenceService/ModelInfer", Infer, ModelInferResponse.Parser, static _ => null),
        new GrpcTransport<ModelStreamInferResponse>("inference.GRPCInferenceService/ModelStreamInfer", Infer, ModelStreamInferResponse.Parser, ErrorOf),
    ];

    private static ModelInferRequest Infer => new()
    {
        ModelName = "scripted",
        Inputs =
        {
            new ModelInferRequest.Types.InferInputTensor
            {
                Name = "text_input", Datatype = "BYTES", Shape = { 1 }, Contents = new InferTensorContents { BytesContents = { ByteString.CopyFromUtf8("Hello") } },
            },
        },
    };

    public abstract string Name { get; }

    /// <summary>Starts a generation of the prompt "Hello", and does not wait for its end.</summary>
    /// <param name="server">Where.</param>
    /// <param name="key">The key to come with; none where it is null.</param>
    /// <param name="host">The host to name; the right one where it is null.</param>
    public abstract Task<Attempt> StartAsync(TestServer server, string? key, string? host = null);

    /// <summary>Whether an attempt reads its stream, and so is told how it ends.</summary>
    public bool IsRead { get; init; } = true;

    private static Error? ErrorOf(ModelStreamInferResponse answer)
    {
        var parameters = answer.InferResponse.Parameters;
        return answer.ErrorMessage.Length == 0 ? null : new Error
        {
            Status = (int)parameters["error_status"].Int64Param,
            Reason = parameters["error_reason"].StringParam,
            RetryDelay = parameters.TryGetValue("retry_after", out var wait) ? Duration.FromTimeSpan(TimeSpan.FromSeconds(wait.Int64Param)) : null,
        };
    }

    /// <summary>Reads a stream to its end; whether that is an error.</summary>
    public abstract Task<bool> EndsWithErrorAsync(Attempt attempt);
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
/// <param name="Code">The refusal's stable name; null where the dialect has none.</param>
/// <param name="RetryAfter">When to try again, in seconds, where that was said.</param>
/// <param name="Connection">What keeps the answer open.</param>
internal sealed record Attempt(Refused? Refused, string? Code, double? RetryAfter, IDisposable Connection) : IDisposable
{
    public void Dispose() => Connection.Dispose();
}

/// <summary>A POST with a JSON body, answered in server-sent events, in lines or at once.</summary>
/// <param name="name">What the row is called.</param>
/// <param name="path">Where.</param>
/// <param name="body">The body.</param>
internal sealed class HttpTransport(string name, string path, string body) : Transport
{
    public override string Name => name;

    /// <summary>The header that the dialect's clients send the key in.</summary>
    public string KeyHeader { get; init; } = "Authorization";

    /// <summary>Where an error body has its stable name; null where it has none.</summary>
    public string? CodePath { get; init; }

    public override async Task<Attempt> StartAsync(TestServer server, string? key, string? host = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.Host = host;
        if (key is not null)
        {
            request.Headers.Add(KeyHeader, KeyHeader == "Authorization" ? $"Bearer {key}" : key);
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
            var other => throw new InvalidOperationException($"{name} answered {other}: {await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)}"),
        };
        var error = await response.ReadJsonAsync();
        Assert.True(error.Has("error"), $"{error} is no error.");
        return new Attempt(refused, CodePath is null ? null : error.Text(CodePath), response.Headers.RetryAfter?.Delta?.TotalSeconds, response);
    }

    public override async Task<bool> EndsWithErrorAsync(Attempt attempt)
    {
        // The last line of NDJSON, or of the last event's data.
        var text = await Patience.For(((HttpResponseMessage)attempt.Connection).Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        var last = text.TrimEnd('\n').Split('\n')[^1].Replace("data: ", "", StringComparison.Ordinal);
        return last != "[DONE]" && (JsonElement.Parse(last) is var end && end.Has("error") || end.Has("type") && end.Text("type") is "error" or "response.failed");
    }
}
