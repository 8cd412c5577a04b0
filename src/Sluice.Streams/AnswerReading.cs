using System.Collections.Immutable;

namespace Sluice.Streams;

/// <summary>
/// How the text of a generation is to be read for reasoning and calls of tools. Kept with the stream, so that who goes on
/// with it reads as was begun.
/// </summary>
public sealed record AnswerReading
{
    /// <summary>How the model marks its reasoning.</summary>
    public ReasoningSyntax Reasoning { get; init; }

    /// <summary>How the model writes calls; <see cref="CallSyntax.None"/> where none are expected.</summary>
    public CallSyntax Calls { get; init; }

    /// <summary>The tools that can be called.</summary>
    public ImmutableArray<CallableTool> Tools { get; init; } = [];

    /// <summary>What the prompt ends with and belongs to the answer, such as <c>&lt;think&gt;</c> or the beginning of a call.</summary>
    public string Opening { get; init; } = "";

    /// <summary>Whether the answer ends after its first call.</summary>
    public bool OneCall { get; init; }
}

/// <summary>A tool as reading needs to know it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="ValueParameters">Names of its parameters that are not plain text.</param>
public sealed record CallableTool(string Name, ImmutableArray<string> ValueParameters);

/// <summary>How models mark what they write to themselves.</summary>
public enum ReasoningSyntax
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary><c>&lt;think&gt;…&lt;/think&gt;</c>.</summary>
    Think,

    /// <summary>Mistral's <c>[THINK]…[/THINK]</c>.</summary>
    BracketThink,
}

/// <summary>How models write calls of tools.</summary>
public enum CallSyntax
{
    /// <summary>None are expected.</summary>
    None,

    /// <summary>Hermes and Qwen: a JSON object between <c>&lt;tool_call&gt;</c> and <c>&lt;/tool_call&gt;</c>.</summary>
    Hermes,

    /// <summary>Qwen3-Coder: <c>&lt;function=…&gt;&lt;parameter=…&gt;</c>.</summary>
    Tagged,

    /// <summary>Llama 3: the answer is a JSON object.</summary>
    BareJson,

    /// <summary>Mistral: a list of JSON objects behind <c>[TOOL_CALLS]</c>.</summary>
    MistralList,

    /// <summary>Mistral since its tokenizer's version 11: <c>[TOOL_CALLS]name[ARGS]{…}</c>.</summary>
    MistralNamed,
}
