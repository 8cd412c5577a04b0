namespace Sluice.Engine.Tokens.Templates;

/// <summary>What a chat template makes a prompt of.</summary>
/// <param name="Messages">The chat, oldest message first.</param>
public sealed record ChatTemplateInput(IReadOnlyList<ChatMessage> Messages)
{
    /// <summary>Whether the prompt ends with the beginning of the assistant's answer.</summary>
    public bool AddGenerationPrompt { get; init; } = true;

    /// <summary>Piece of the model's token that begins a text; null where it has none, and the template's <c>bos_token</c> is undefined.</summary>
    public string? BosToken { get; init; }

    /// <summary>Piece of the model's token that ends a text; null where it has none, and the template's <c>eos_token</c> is undefined.</summary>
    public string? EosToken { get; init; }

    /// <summary>The tools that the model may call: lists and dictionaries, or JSON.</summary>
    public object? Tools { get; init; }

    /// <summary>Further variables by name, such as <c>enable_thinking</c>; values as in <see cref="ChatMessage.Fields"/>. They cannot replace those above.</summary>
    public IReadOnlyDictionary<string, object?>? Variables { get; init; }

    /// <summary>What the template's <c>strftime_now</c> reads.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;
}
