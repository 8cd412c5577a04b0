using System.Globalization;
using Sluice.Engine.Tokens;
using Sluice.Engine.Tokens.Templates;

namespace Sluice.Engine;

/// <summary>What the server needs to know of the model that an engine runs. Immutable.</summary>
public sealed record LoadedModel
{
    /// <summary>The name on the wire: the file's name without its extension.</summary>
    public required string Id { get; init; }

    /// <summary>The file's name for what it is, such as <c>llama</c>.</summary>
    public required string Architecture { get; init; }

    /// <summary>How many parameters it has.</summary>
    public required long Parameters { get; init; }

    /// <summary>What most of its weights are kept as, such as <c>Q8_0</c>.</summary>
    public required string TensorType { get; init; }

    /// <summary>Bytes of its file; of a split model those of the first part.</summary>
    public required long FileSize { get; init; }

    /// <summary>The number of parameters for a person, such as <c>2.6M</c>.</summary>
    public string Size => Parameters switch
    {
        >= 1_000_000_000 => string.Create(CultureInfo.InvariantCulture, $"{Parameters / 1e9:F1}B"),
        >= 1_000_000 => string.Create(CultureInfo.InvariantCulture, $"{Parameters / 1e6:F1}M"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{Parameters / 1e3:F0}K"),
    };

    /// <summary>Architecture, size and tensor type for a person, such as <c>llama 2.6M Q8_0</c>.</summary>
    public string Description => $"{Architecture} {Size} {TensorType}";

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
