using System.Text.Json.Serialization.Metadata;
using Sluice.Server.Protocols.Ollama;

namespace Sluice.Server.Api.Ollama;

/// <summary>Ollama's chat and text generation.</summary>
internal static class OllamaEndpoints
{
    public static Task ChatAsync(HttpContext http, ModelHost models, GenerationRunner runner, GenerationAnswers answers, TimeProvider clock)
        => CreateAsync(http, models, runner, answers, clock, ApiJson.Default.OllamaChatBody);

    public static Task GenerateAsync(HttpContext http, ModelHost models, GenerationRunner runner, GenerationAnswers answers, TimeProvider clock)
        => CreateAsync(http, models, runner, answers, clock, ApiJson.Default.OllamaGenerateBody);

    private static async Task CreateAsync<TBody>(
        HttpContext http, ModelHost models, GenerationRunner runner, GenerationAnswers answers, TimeProvider clock, JsonTypeInfo<TBody> type)
        where TBody : OllamaBody
    {
        if (!(await GenerationEndpoint.ReceiveAsync(http, models, runner, type)).Succeeded(out var received, out var error))
        {
            await JsonResponse.WriteAsync(http.Response, error);
        }
        else if (received.Body.OnlyLoads)
        {
            await AnswerLoadedAsync(http, received.Engine.Model.Id, received.Body, clock);
        }
        else if (!received.ToAsk().Succeeded(out var ask, out error))
        {
            await JsonResponse.WriteAsync(http.Response, error);
        }
        else
        {
            await answers.AnswerAsync(http, ask);
        }
    }

    /// <summary>Whoever sends nothing to answer wants the model loaded, which it is.</summary>
    private static Task AnswerLoadedAsync(HttpContext http, string model, OllamaBody body, TimeProvider clock)
        => JsonResponse.WriteAsync(http.Response, StatusCodes.Status200OK, json =>
        {
            json.WriteStartObject();
            json.WriteString("model"u8, model);
            json.WriteString("created_at"u8, OllamaDialect.Instant(clock.GetUtcNow()));
            body.WriteNothing(json);
            json.WriteBoolean("done"u8, true);
            json.WriteString("done_reason"u8, "load"u8);
            json.WriteEndObject();
        });
}
