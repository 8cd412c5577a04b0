namespace Sluice.Server.Api.OpenAi;

/// <summary>OpenAI's chat and text completions.</summary>
internal static class Completions
{
    public static Task CreateChatAsync(HttpContext http, ModelHost models, GenerationRunner runner, GenerationAnswers answers)
        => GenerationEndpoint.CreateAsync(http, models, runner, answers, ApiJson.Default.ChatCompletionBody);

    public static Task CreateTextAsync(HttpContext http, ModelHost models, GenerationRunner runner, GenerationAnswers answers)
        => GenerationEndpoint.CreateAsync(http, models, runner, answers, ApiJson.Default.CompletionBody);
}
