using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using Sluice.Server.Api;

namespace Sluice.Server.Protocols.WebSocket;

/// <summary>A message of a client at <c>/v1/ws</c>. Which fields it has is a matter of its type; the others are ignored.</summary>
internal sealed record ClientMessage
{
    private const int LongestRef = 255;
    private const float LeastPace = 0.1f;
    private const float MostPace = 1_000_000;

    // One more than bodies have, which stand inside.
    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 33 };

    public string? Type { get; init; }

    /// <summary>The client's own name for the message, which the answer to it repeats.</summary>
    public string? Ref { get; init; }

    /// <summary>The stream that is meant.</summary>
    public string? Stream { get; init; }

    /// <summary>The dialect that <see cref="Request"/> is in.</summary>
    public string? As { get; init; }

    /// <summary>What is asked for: the body of <c>POST /v1/chat/completions</c> or <c>/v1/completions</c>.</summary>
    public JsonElement? Request { get; init; }

    public string? IdempotencyKey { get; init; }

    /// <summary>Number of the last event that the client has.</summary>
    public int? After { get; init; }

    /// <summary>Events that it takes to begin with; any number where it does not say.</summary>
    public int? Credit { get; init; }

    /// <summary>Events that it takes more.</summary>
    public int? Events { get; init; }

    /// <summary>The pace at which it wants the stream; null for none.</summary>
    public float? TokensPerSecond { get; init; }

    /// <summary>Reads a message; where that fails, at least its <paramref name="name"/>.</summary>
    public static Outcome<ClientMessage> Read(ReadOnlySpan<byte> json, out string? name)
    {
        name = null;
        JsonElement element;
        try
        {
            element = JsonElement.Parse(json, Options);
        }
        catch (JsonException fault)
        {
            return ApiError.Invalid(null, $"The message is not valid JSON (at line {fault.LineNumber + 1}, byte {fault.BytePositionInLine + 1}).");
        }

        if (element.ValueKind != JsonValueKind.Object)
        {
            return ApiError.Invalid(null, $"A message must be a JSON object, not {JsonText.Name(element)}.");
        }

        if (element.TryGetProperty("ref", out var named) && JsonText.TryGet(named, out var text) && text.Length <= LongestRef)
        {
            name = text;
        }

        if (!RequestBody.Read(element, ApiJson.Default.ClientMessage).Succeeded(out var message, out var error))
        {
            return error;
        }

        return message.Fault() is { } refusal ? refusal : message;
    }

    /// <summary>The SHA-256 of the request's bytes, by which a retry is known to ask for the same.</summary>
    public string RequestHash() => Convert.ToHexString(SHA256.HashData(JsonMarshal.GetRawUtf8Value(Request!.Value)));

    private ApiError? Fault()
        => Ref is { Length: > LongestRef } ? ApiError.Invalid("ref", $"ref may have {LongestRef} characters.")
            : After < 0 ? ApiError.Invalid("after", "after must be the number of the last event that you have, or 0.", "invalid_position")
            : Credit < 0 ? ApiError.Invalid("credit", "credit must be 0 or more; without it you take any number of events.")
            : TokensPerSecond is < LeastPace or > MostPace or float.NaN ? ApiError.Invalid("tokens_per_second", $"tokens_per_second must be from {LeastPace} to {MostPace:0}; null is as fast as it goes.")
            : null;
}
