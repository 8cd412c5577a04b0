using Sluice.Server.Access;
using Sluice.Server.Api;
using Sluice.Server.Api.Anthropic;
using Sluice.Server.Api.Ollama;
using Sluice.Server.Api.OpenAi;
using Sluice.Server.Api.OpenAi.Responses;
using Sluice.Server.Api.Streams;
using Sluice.Server.Api.Tokenization;
using Sluice.Server.Commands;
using Sluice.Server.Protocols.Grpc;
using Sluice.Server.Protocols.WebSocket;
using Sluice.Server.Telemetry;

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
            app.MapGet("/metrics", MetricsEndpoint.GetAsync);

            app.MapGet("/v1/models", Models.ListAsync);
            app.MapGet("/v1/models/{id}", Models.GetAsync);
            app.MapPost("/v1/chat/completions", Completions.CreateChatAsync);
            app.MapPost("/v1/completions", Completions.CreateTextAsync);

            app.MapPost("/v1/responses", ResponseEndpoints.CreateAsync);
            app.MapGet("/v1/responses/{id}", ResponseEndpoints.GetAsync);
            app.MapDelete("/v1/responses/{id}", ResponseEndpoints.DeleteAsync);
            app.MapPost("/v1/responses/{id}/cancel", ResponseEndpoints.CancelAsync);
            app.MapGet("/v1/responses/{id}/input_items", ResponseEndpoints.ListInputAsync);

            app.MapPost("/v1/messages", AnthropicMessages.CreateAsync);
            app.MapPost("/v1/messages/count_tokens", AnthropicMessages.CountTokensAsync);

            app.MapPost("/api/chat", OllamaEndpoints.ChatAsync);
            app.MapPost("/api/generate", OllamaEndpoints.GenerateAsync);
            app.MapGet("/api/tags", OllamaModels.TagsAsync);
            app.MapGet("/api/ps", OllamaModels.RunningAsync);
            app.MapPost("/api/show", OllamaModels.ShowAsync);
            app.MapGet("/api/version", OllamaModels.VersionAsync);

            app.Map("/v1/embeddings", Embeddings.RefuseAsync).ExcludeFromDescription();
            app.Map("/api/embed", Embeddings.RefuseAsync).ExcludeFromDescription();
            app.Map("/api/embeddings", Embeddings.RefuseAsync).ExcludeFromDescription();

            app.MapPost("/v1/streams", StreamEndpoints.CreateAsync);
            app.MapGet("/v1/streams", StreamEndpoints.ListAsync);
            app.MapGet("/v1/streams/{id}", StreamEndpoints.GetAsync);
            app.MapDelete("/v1/streams/{id}", StreamEndpoints.DeleteAsync);
            app.MapGet("/v1/streams/{id}/events", StreamEndpoints.ReadAsync);

            app.MapMethods("/v1/ws", Handshake.Methods, SocketEndpoint.StreamsAsync);
            app.MapMethods("/v1/realtime", Handshake.Methods, SocketEndpoint.RealtimeAsync);

            app.MapPost("/v1/tokenize", TokenEndpoints.TokenizeAsync);
            app.MapPost("/v1/detokenize", TokenEndpoints.DetokenizeAsync);
            app.MapPost("/tokenize", TokenEndpoints.TokenizeAsync);
            app.MapPost("/detokenize", TokenEndpoints.DetokenizeAsync);

            GrpcServices.Map(app);
        }
    }
}
