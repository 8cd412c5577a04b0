using Sluice.Server.Protocols.OpenAi;

namespace Sluice.Server.Api.OpenAi;

/// <summary>OpenAI's chat and text completions.</summary>
internal static class Completions
{
    public static async Task CreateChatAsync(HttpContext http, ModelHost models, GenerationRunner runner)
    {
        var arrivedAt = runner.Now;
        if (!models.TryGet(out var engine, out var error)
            || !(await RequestBody.ReadAsync(http.Request, ApiJson.Default.ChatCompletionBody)).Succeeded(out var body, out error)
            || !body.ToRequest(engine.Model, arrivedAt).Succeeded(out var request, out error))
        {
            await JsonResponse.WriteAsync(http.Response, error);
            return;
        }

        await runner.RunAsync(http, engine, request, body.Stream ?? false, header => new ChatDialect(header, body.Telling(request)));
    }

    public static async Task CreateTextAsync(HttpContext http, ModelHost models, GenerationRunner runner)
    {
        var arrivedAt = runner.Now;
        if (!models.TryGet(out var engine, out var error)
            || !(await RequestBody.ReadAsync(http.Request, ApiJson.Default.CompletionBody)).Succeeded(out var body, out error)
            || !body.ToRequest(engine.Model, arrivedAt).Succeeded(out var request, out error))
        {
            await JsonResponse.WriteAsync(http.Response, error);
            return;
        }

        await runner.RunAsync(http, engine, request, body.Stream ?? false, header => new TextDialect(header, body.Telling(request)));
    }
}
