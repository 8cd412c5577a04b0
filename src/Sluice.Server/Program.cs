using Sluice.Server.Access;
using Sluice.Server.Api;
using Sluice.Server.Api.OpenAi;
using Sluice.Server.Api.Tokenization;
using Sluice.Server.Commands;

return await CommandLine.RunAsync(args);

namespace Sluice.Server
{
    /// <summary>Everything that the server answers.</summary>
    internal static class Routes
    {
        public static void Map(WebApplication app)
        {
            WebPage.Map(app);
            app.MapGet("/health", Health.GetAsync).WithoutKey();

            app.MapGet("/v1/models", Models.ListAsync);
            app.MapGet("/v1/models/{id}", Models.GetAsync);
            app.MapPost("/v1/chat/completions", Completions.CreateChatAsync);
            app.MapPost("/v1/completions", Completions.CreateTextAsync);

            app.MapPost("/v1/tokenize", TokenEndpoints.TokenizeAsync);
            app.MapPost("/v1/detokenize", TokenEndpoints.DetokenizeAsync);
            app.MapPost("/tokenize", TokenEndpoints.TokenizeAsync);
            app.MapPost("/detokenize", TokenEndpoints.DetokenizeAsync);
        }
    }
}
