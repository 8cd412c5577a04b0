using Sluice.Engine.Cache;

namespace Sluice.Engine;

/// <summary>What an engine is made with.</summary>
public sealed record EngineOptions
{
    /// <summary>The GGUF file; of a split model any of its parts.</summary>
    public required string ModelPath { get; init; }

    /// <summary>Threads that compute; null takes one for each processor.</summary>
    public int? Threads { get; init; }

    /// <summary>Most tokens of one sequence, prompt and output together; null takes what the model was trained for, at most what the KV memory holds.</summary>
    public int? ContextLength { get; init; }

    /// <summary>Bytes for keys and values of all sequences; null takes enough for several contexts, within a quarter of the machine's memory.</summary>
    public long? KvMemoryBytes { get; init; }

    /// <summary>What keys and values are kept as.</summary>
    public KvType KvType { get; init; } = KvType.F16;

    /// <summary>How long a step may take that decoding streams wait for: the part of prompts that it computes is cut to it.</summary>
    public TimeSpan StepTime { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>Most requests that wait for their first step.</summary>
    public int MaxQueuedRequests { get; init; } = 1024;

    /// <summary>Most prompt tokens of requests that wait for their first step.</summary>
    public long MaxQueuedTokens { get; init; } = 1 << 20;
}

/// <summary>How far loading is.</summary>
/// <param name="Fraction">0 to 1.</param>
/// <param name="Activity">What is being done, for a person.</param>
public readonly record struct LoadProgress(double Fraction, string Activity);

/// <summary>The model cannot be used as it is or as the options ask; the message says what is supported.</summary>
public sealed class ModelLoadException : Exception
{
    /// <summary>Makes the error.</summary>
    /// <param name="message">What is wrong and what to do.</param>
    public ModelLoadException(string message)
        : base(message)
    {
    }

    /// <summary>Makes the error.</summary>
    /// <param name="message">What is wrong and what to do.</param>
    /// <param name="innerException">What it came from.</param>
    public ModelLoadException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Makes the error with no more than its name.</summary>
    public ModelLoadException()
    {
    }
}
