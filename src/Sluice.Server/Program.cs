using Sluice.Server.Access;
using Sluice.Server.Api;
using Sluice.Server.Api.OpenAi;
using Sluice.Server.Api.Streams;
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

            app.MapPost("/v1/streams", StreamEndpoints.CreateAsync);
            app.MapGet("/v1/streams", StreamEndpoints.ListAsync);
            app.MapGet("/v1/streams/{id}", StreamEndpoints.GetAsync);
            app.MapDelete("/v1/streams/{id}", StreamEndpoints.DeleteAsync);
            app.MapGet("/v1/streams/{id}/events", StreamEndpoints.ReadAsync);

            app.MapPost("/v1/tokenize", TokenEndpoints.TokenizeAsync);
            app.MapPost("/v1/detokenize", TokenEndpoints.DetokenizeAsync);
            app.MapPost("/tokenize", TokenEndpoints.TokenizeAsync);
            app.MapPost("/detokenize", TokenEndpoints.DetokenizeAsync);
        }
    }
}
