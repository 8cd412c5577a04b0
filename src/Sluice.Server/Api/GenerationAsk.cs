using System.Diagnostics.CodeAnalysis;
using Sluice.Engine;
using Sluice.Engine.Requests;
using Sluice.Server.Configuration;
using Sluice.Streams;

namespace Sluice.Server.Api;

/// <summary>What somebody asked for, whatever the dialect: a generation, and how it is to be told.</summary>
internal sealed record GenerationAsk
{
    public required IInferenceEngine Engine { get; init; }

    public required GenerationRequest Request { get; init; }

    /// <summary>The dialect that it was asked in.</summary>
    public required string Dialect { get; init; }

    public required Telling Telling { get; init; }

    /// <summary>Whether the answer is to come as a stream, or in one piece.</summary>
    public required bool IsStreamed { get; init; }

    /// <summary>What becomes of the generation while nobody reads it; null leaves it to the server.</summary>
    public required DisconnectPolicy? OnDisconnect { get; init; }

    /// <summary>By which a retry is known; null where the client names none.</summary>
    public required IdempotencyKey? Key { get; init; }

    /// <summary>Reads a body's field <c>on_disconnect</c>; gives null where it says nothing.</summary>
    public static bool TryReadOnDisconnect(string? value, out DisconnectPolicy? policy, [NotNullWhen(false)] out ApiError? error)
    {
        (policy, error) = (null, null);
        if (value is null)
        {
            return true;
        }

        if (DisconnectPolicies.TryParse(value, out var named))
        {
            policy = named;
            return true;
        }

        error = ApiError.Invalid("on_disconnect", $"on_disconnect must be {DisconnectPolicies.Names}.");
        return false;
    }
}
