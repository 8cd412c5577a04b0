using System.Collections.Immutable;
using System.Text.Json;
using Sluice.Streams;

namespace Sluice.Server.Api.Chat;

/// <summary>What a chat's prompt is made of, whatever the dialect.</summary>
/// <param name="Turns">The messages, oldest first.</param>
internal sealed record ChatInput(IReadOnlyList<ChatTurn> Turns)
{
    /// <summary>The tools that the model may call.</summary>
    public IReadOnlyList<ChatTool> Tools { get; init; } = [];

    /// <summary>Whether it calls them.</summary>
    public ToolChoice Choice { get; init; }

    /// <summary>Whether one answer may have several calls.</summary>
    public bool ParallelCalls { get; init; } = true;

    /// <summary>Further values for the template.</summary>
    public IReadOnlyDictionary<string, JsonElement>? TemplateValues { get; init; }

    /// <summary>Whether the prompt ends with the beginning of an answer.</summary>
    public bool AddGenerationPrompt { get; init; } = true;
}

/// <summary>A chat's prompt, and how the answer to it is to be read.</summary>
/// <param name="Tokens">The prompt.</param>
/// <param name="Reading">How to read the answer; null where it is nothing but text.</param>
/// <param name="TextTokens">Control tokens that the reading needs to see.</param>
internal sealed record ChatEncoding(ImmutableArray<int> Tokens, AnswerReading? Reading, ImmutableArray<int> TextTokens);
