using Sluice.Streams;

namespace Sluice.Server.Protocols.Realtime;

/// <summary>What the versions of the API call things differently.</summary>
/// <param name="IsBeta">Whether the client asked for the version before 1.0, by the header <c>OpenAI-Beta: realtime=v1</c> or a subprotocol.</param>
internal readonly record struct RealtimeNames(bool IsBeta)
{
    public string OutputText => IsBeta ? "text" : "output_text";

    public string TextDelta => IsBeta ? "response.text.delta" : "response.output_text.delta";

    public string TextDone => IsBeta ? "response.text.done" : "response.output_text.done";

    public string Modalities => IsBeta ? "modalities" : "output_modalities";

    public string MaxTokens => IsBeta ? "max_response_output_tokens" : "max_output_tokens";
}

/// <summary>Ids of sessions, items and events.</summary>
internal static class RealtimeIds
{
    public static string New(string prefix) => prefix + StreamId.New().Value;
}
