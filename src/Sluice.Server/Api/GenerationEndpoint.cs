using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization.Metadata;
using Sluice.Engine;
using Sluice.Streams;

namespace Sluice.Server.Api;

/// <summary>The way of a request over HTTP for a generation, whatever its dialect.</summary>
internal static class GenerationEndpoint
{
    private const string KeyHeader = "Idempotency-Key";
    private const int LongestKey = 255;

    /// <summary>Starts what the body asks for, and answers with it.</summary>
    public static async Task CreateAsync<TBody>(
        HttpContext http, ModelHost models, GenerationRunner runner, GenerationAnswers answers, JsonTypeInfo<TBody> type)
        where TBody : class, IGenerationBody
    {
        if (!(await ReadAsync(http, models, runner, type)).Succeeded(out var ask, out var error))
        {
            await JsonResponse.WriteAsync(http.Response, error);
            return;
        }

        await answers.AnswerAsync(http, ask);
    }

    /// <summary>Reads a request, and checks it.</summary>
    /// <param name="http">The request.</param>
    /// <param name="models">Who is to answer.</param>
    /// <param name="runner">Who will run it.</param>
    /// <param name="type">The body's shape.</param>
    /// <param name="isStream">Whether it is a stream whatever its body says.</param>
    public static async ValueTask<Outcome<GenerationAsk>> ReadAsync<TBody>(
        HttpContext http, ModelHost models, GenerationRunner runner, JsonTypeInfo<TBody> type, bool isStream = false)
        where TBody : class, IGenerationBody
        => (await ReceiveAsync(http, models, runner, type)).Succeeded(out var received, out var error) ? received.ToAsk(isStream) : error;

    /// <summary>Reads a request that may turn out to ask for no generation.</summary>
    public static async ValueTask<Outcome<ReceivedBody<TBody>>> ReceiveAsync<TBody>(
        HttpContext http, ModelHost models, GenerationRunner runner, JsonTypeInfo<TBody> type)
        where TBody : class, IGenerationBody
    {
        var arrivedAt = runner.Now;
        if (!models.TryGet(out var engine, out var error) || !TryReadKey(http.Request, out var key, out error))
        {
            return error;
        }

        var (read, hash) = key is null ? (await RequestBody.ReadAsync(http.Request, type), "") : await RequestBody.ReadAndHashAsync(http.Request, type);
        return read.Succeeded(out var body, out error)
            ? new ReceivedBody<TBody>(body, engine, arrivedAt, key is null ? null : new IdempotencyKey(key, $"{http.Request.Path}{http.Request.QueryString} {hash}"))
            : error;
    }

    /// <summary>Reads the key by which a retry of the request is known; null where it has none.</summary>
    public static bool TryReadKey(HttpRequest request, out string? key, [NotNullWhen(false)] out ApiError? error)
    {
        (key, error) = (null, null);
        if (!request.Headers.TryGetValue(KeyHeader, out var values))
        {
            return true;
        }

        key = values.ToString();
        error = KeyFault(key, KeyHeader);
        return error is null;
    }

    /// <summary>Why a text cannot be an idempotency key; null where it can.</summary>
    /// <param name="key">The text.</param>
    /// <param name="name">What the transport calls the key.</param>
    public static ApiError? KeyFault(string key, string name)
        => key.Length is > 0 and <= LongestKey && key.All(char.IsAscii) ? null : ApiError.Invalid(name, $"{name} must be 1 to {LongestKey} ASCII characters.");
}

/// <summary>A body with what else its request says.</summary>
/// <param name="Body">The body.</param>
/// <param name="Engine">Who is to answer.</param>
/// <param name="ArrivedAt">When the request came, as the runner counts.</param>
/// <param name="Key">By which a retry is known; null where the client names none.</param>
internal sealed record ReceivedBody<TBody>(TBody Body, IInferenceEngine Engine, long ArrivedAt, IdempotencyKey? Key)
    where TBody : IGenerationBody
{
    /// <summary>The body as something to start, checked.</summary>
    public Outcome<GenerationAsk> ToAsk(bool isStream = false) => Body.ToAsk(Engine, ArrivedAt, Key, isStream);
}
