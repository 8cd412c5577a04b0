namespace Sluice.Server.Api.Anthropic;

/// <summary>Anthropic's messages.</summary>
internal static class AnthropicMessages
{
    public static Task CreateAsync(HttpContext http, ModelHost models, GenerationRunner runner, GenerationAnswers answers)
        => GenerationEndpoint.CreateAsync(http, models, runner, answers, ApiJson.Default.MessagesBody);

    /// <summary>Counts what a request's prompt would have.</summary>
    public static async Task CountTokensAsync(HttpContext http, ModelHost models)
    {
        if (!models.TryGet(out var engine, out var error)
            || !(await RequestBody.ReadAsync(http.Request, ApiJson.Default.MessagesBody)).Succeeded(out var body, out error)
            || !body.EncodePrompt(engine.Model).Succeeded(out var prompt, out error))
        {
            await JsonResponse.WriteAsync(http.Response, error);
            return;
        }

        await JsonResponse.WriteAsync(http.Response, StatusCodes.Status200OK, json =>
        {
            json.WriteStartObject();
            json.WriteNumber("input_tokens"u8, prompt.Tokens.Length);
            json.WriteEndObject();
        });
    }
}
