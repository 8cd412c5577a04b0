using Sluice.Engine.Tokens;
using Sluice.Engine.Tokens.Templates;

namespace Sluice.Engine;

/// <summary>What the server needs to know of the model that an engine runs. Immutable.</summary>
public sealed record LoadedModel
{
    /// <summary>The name on the wire: the file's name without its extension.</summary>
    public required string Id { get; init; }

    /// <summary>Architecture, size and tensor type for a person, such as <c>llama 2.6M Q8_0</c>.</summary>
    public required string Description { get; init; }

    /// <summary>Most tokens of one sequence, prompt and output together.</summary>
    public required int ContextLength { get; init; }

    /// <summary>Text to tokens and back.</summary>
    public required Tokenizer Tokenizer { get; init; }

    /// <summary>Messages to prompt; null where the model's file has no template, or one that cannot be used.</summary>
    public ChatTemplate? ChatTemplate { get; init; }

    /// <summary>Why the file's template cannot be used, where that is so; the model is then one for text only.</summary>
    public string? ChatTemplateProblem { get; init; }

    /// <summary>
    /// The same for engines that give the same tokens to the same request: it sums up the model's file, the type of keys
    /// and values, the context, and how this engine computes.
    /// </summary>
    public string Fingerprint { get; init; } = "";

    /// <summary>When the model's file was last changed.</summary>
    public required DateTimeOffset Created { get; init; }
}
