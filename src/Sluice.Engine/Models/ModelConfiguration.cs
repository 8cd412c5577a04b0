using Sluice.Engine.Cache;
using Sluice.Engine.Gguf;
using Sluice.Engine.Kernels;

namespace Sluice.Engine.Models;

/// <summary>A transformer's shape, as its file tells it; checked, so that the rest can rely on it.</summary>
internal sealed record ModelConfiguration
{
    private static readonly Dictionary<string, (RopePairing Pairing, bool HeadNorms)> Architectures = new(StringComparer.Ordinal)
    {
        ["llama"] = (RopePairing.Neighbours, false),
        ["qwen2"] = (RopePairing.Halves, false),
        ["qwen3"] = (RopePairing.Halves, true),
    };

    public required string Architecture { get; init; }

    public required string Name { get; init; }

    public required int Layers { get; init; }

    /// <summary>Elements of the residual stream.</summary>
    public required int Width { get; init; }

    public required int FeedForward { get; init; }

    public required int Heads { get; init; }

    /// <summary>Heads of keys and values, each shared by Heads / KvHeads query heads.</summary>
    public required int KvHeads { get; init; }

    public required int HeadSize { get; init; }

    public required float NormEpsilon { get; init; }

    /// <summary>Tokens that the model was trained for.</summary>
    public required int ContextLength { get; init; }

    public required RotaryOptions Rotary { get; init; }

    /// <summary>Whether queries and keys are normed head by head.</summary>
    public required bool HasHeadNorms { get; init; }

    /// <summary>Where keys and values lie that are kept as <paramref name="type"/>.</summary>
    public KvLayout KvLayout(KvType type) => new(Layers, KvHeads, HeadSize, type);

    /// <summary>Reads and checks a file's shape.</summary>
    /// <exception cref="ModelLoadException">The architecture is not supported.</exception>
    /// <exception cref="GgufException">A value is missing or out of its bounds.</exception>
    public static ModelConfiguration Read(GgufMetadata metadata)
    {
        var architecture = metadata.GetString("general.architecture");
        if (!Architectures.TryGetValue(architecture, out var traits))
        {
            throw new ModelLoadException($"{metadata.FileName}: the architecture '{architecture}' is not supported; Sluice runs {string.Join(", ", Architectures.Keys)}.");
        }

        if (metadata.GetInteger($"{architecture}.expert_count", 0) > 0)
        {
            throw metadata.Invalid($"{architecture}.expert_count", "mixtures of experts are not supported; use a dense model");
        }

        var width = Positive(metadata, $"{architecture}.embedding_length", 1 << 20);
        var heads = Positive(metadata, $"{architecture}.attention.head_count", 1 << 12);
        var kvHeads = Positive(metadata, $"{architecture}.attention.head_count_kv", 1 << 12, heads);
        if (heads % kvHeads != 0)
        {
            throw metadata.Invalid($"{architecture}.attention.head_count_kv", $"{heads} heads cannot share {kvHeads} KV heads evenly");
        }

        var headSize = Positive(metadata, $"{architecture}.attention.key_length", Attention.MostElements, width / heads);
        var valueSize = Positive(metadata, $"{architecture}.attention.value_length", Attention.MostElements, width / heads);
        if (valueSize != headSize)
        {
            throw metadata.Invalid($"{architecture}.attention.value_length", $"values of {valueSize} elements beside keys of {headSize} are not supported");
        }

        var contextLength = Positive(metadata, $"{architecture}.context_length", 1 << 26);
        var epsilon = metadata.GetFloat($"{architecture}.attention.layer_norm_rms_epsilon", float.NaN);
        if (!(epsilon is >= 0 and < 1))
        {
            throw metadata.Invalid($"{architecture}.attention.layer_norm_rms_epsilon", "it must be there, at least 0 and below 1");
        }

        return new ModelConfiguration
        {
            Architecture = architecture,
            Name = metadata.GetStringOrNull("general.name") ?? Path.GetFileNameWithoutExtension(metadata.FileName),
            Layers = Positive(metadata, $"{architecture}.block_count", 1 << 12),
            Width = width,
            FeedForward = Positive(metadata, $"{architecture}.feed_forward_length", 1 << 22),
            Heads = heads,
            KvHeads = kvHeads,
            HeadSize = headSize,
            NormEpsilon = epsilon,
            ContextLength = contextLength,
            Rotary = ReadRotary(metadata, architecture, traits.Pairing, headSize, contextLength),
            HasHeadNorms = traits.HeadNorms,
        };
    }

    private static RotaryOptions ReadRotary(GgufMetadata metadata, string architecture, RopePairing pairing, int headSize, int contextLength)
    {
        var prefix = $"{architecture}.rope";
        var size = Positive(metadata, $"{prefix}.dimension_count", headSize, headSize);
        if (size % 2 != 0)
        {
            throw metadata.Invalid($"{prefix}.dimension_count", "rotary positions turn pairs; it must be even");
        }

        var type = metadata.GetStringOrNull($"{prefix}.scaling.type");
        var scaling = type switch
        {
            null or "none" => RotaryScaling.None,
            "linear" => RotaryScaling.Linear,
            "yarn" => RotaryScaling.Yarn,
            _ => throw metadata.Invalid($"{prefix}.scaling.type", "supported are none, linear and yarn"),
        };

        // Older files give a linear factor alone; a factor of 0 means none.
        var factor = metadata.GetFloat($"{prefix}.scaling.factor", metadata.GetFloat($"{prefix}.scale_linear", 0));
        if (type is null && factor is not (0 or 1))
        {
            scaling = RotaryScaling.Linear;
        }

        return new RotaryOptions
        {
            Size = size,
            Pairing = pairing,
            Base = Above0(metadata, $"{prefix}.freq_base", 10000),
            Scaling = factor == 0 ? RotaryScaling.None : scaling,
            Factor = factor == 0 ? 1 : Above0(metadata, $"{prefix}.scaling.factor", factor),
            OriginalContext = Positive(metadata, $"{prefix}.scaling.original_context_length", 1 << 26, contextLength),
            AttentionFactor = Above0(metadata, $"{prefix}.scaling.attn_factor", 1),
            YarnBetaFast = Above0(metadata, $"{prefix}.scaling.yarn_beta_fast", 32),
            YarnBetaSlow = Above0(metadata, $"{prefix}.scaling.yarn_beta_slow", 1),
        };
    }

    private static int Positive(GgufMetadata metadata, string key, int most, int? fallback = null)
    {
        var value = fallback is { } given ? metadata.GetInteger(key, given) : metadata.GetInteger(key);
        return value >= 1 && value <= most ? (int)value : throw metadata.Invalid(key, $"it must be from 1 to {most}");
    }

    private static float Above0(GgufMetadata metadata, string key, float fallback)
    {
        var value = metadata.GetFloat(key, fallback);
        return value > 0 && float.IsFinite(value) ? value : throw metadata.Invalid(key, "it must be above 0");
    }
}
