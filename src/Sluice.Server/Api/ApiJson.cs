using System.Text.Json.Serialization;
using Sluice.Server.Api.Anthropic;
using Sluice.Server.Api.Ollama;
using Sluice.Server.Api.OpenAi;
using Sluice.Server.Api.OpenAi.Responses;
using Sluice.Server.Api.Tokenization;
using Sluice.Server.Protocols.WebSocket;

namespace Sluice.Server.Api;

/// <summary>The request shapes, read without reflection. Unknown fields are ignored.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    GenerationMode = JsonSourceGenerationMode.Metadata,
    MaxDepth = 32,
    Converters = [typeof(TextConverter), typeof(IntegerConverter), typeof(SeedConverter), typeof(NumberConverter), typeof(TruthConverter)])]
[JsonSerializable(typeof(ChatCompletionBody))]
[JsonSerializable(typeof(CompletionBody))]
[JsonSerializable(typeof(ResponseBody))]
[JsonSerializable(typeof(MessagesBody))]
[JsonSerializable(typeof(OllamaChatBody))]
[JsonSerializable(typeof(OllamaGenerateBody))]
[JsonSerializable(typeof(ModelNameBody))]
[JsonSerializable(typeof(TokenizeBody))]
[JsonSerializable(typeof(DetokenizeBody))]
[JsonSerializable(typeof(ClientMessage))]
internal sealed partial class ApiJson : JsonSerializerContext;
