using Microsoft.Extensions.Primitives;

namespace Sluice.Server.Access.Keys;

/// <summary>
/// Where the clients of each dialect put their key: <c>Authorization: Bearer</c> (OpenAI, Ollama's cloud, gRPC metadata),
/// <c>x-api-key</c> (Anthropic), <c>api-key</c> (Azure), and, because a browser's WebSocket can send no headers, OpenAI's
/// subprotocol <c>openai-insecure-api-key.KEY</c>.
/// </summary>
internal static class PresentedKeys
{
    /// <summary>The name of the subprotocol that is a key, up to the key.</summary>
    public const string SubprotocolPrefix = "openai-insecure-api-key.";

    private const string Scheme = "Bearer ";

    /// <summary>The keys that a request comes with; usually one.</summary>
    public static IEnumerable<string> Of(HttpRequest request)
    {
        foreach (var value in request.Headers.Authorization)
        {
            if (value is not null && value.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
            {
                yield return value[Scheme.Length..].Trim();
            }
        }

        foreach (var value in StringValues.Concat(request.Headers["x-api-key"], request.Headers["api-key"]))
        {
            if (value is not null)
            {
                yield return value.Trim();
            }
        }

        foreach (var value in request.Headers.SecWebSocketProtocol)
        {
            foreach (var name in (value ?? "").Split(',', StringSplitOptions.TrimEntries))
            {
                if (name.StartsWith(SubprotocolPrefix, StringComparison.Ordinal))
                {
                    yield return name[SubprotocolPrefix.Length..];
                }
            }
        }
    }
}
