using System.Text.Json.Serialization;

namespace Sluice.Streams;

/// <summary>A piece of an answer by what it is, where the model's text was read for more than text.</summary>
[JsonDerivedType(typeof(ContentPart), "content")]
[JsonDerivedType(typeof(ReasoningPart), "reasoning")]
[JsonDerivedType(typeof(ToolCallPart), "tool_call")]
[JsonDerivedType(typeof(ToolArgumentsPart), "tool_arguments")]
public abstract record DeltaPart;

/// <summary>Text that is meant for the reader.</summary>
/// <param name="Text">What to append; not empty.</param>
public sealed record ContentPart(string Text) : DeltaPart;

/// <summary>Text that the model wrote to itself before it answers.</summary>
/// <param name="Text">What to append; not empty.</param>
public sealed record ReasoningPart(string Text) : DeltaPart;

/// <summary>The model begins to call a tool; its arguments follow.</summary>
/// <param name="Index">Which of the choice's calls it is, 0 for the first.</param>
/// <param name="Id">The call's name, by which its result is sent.</param>
/// <param name="Name">The tool.</param>
public sealed record ToolCallPart(int Index, string Id, string Name) : DeltaPart;

/// <summary>A piece of the arguments of a call that began.</summary>
/// <param name="Index">Which of the choice's calls it is.</param>
/// <param name="Text">JSON text to append, as the model wrote it; not empty.</param>
public sealed record ToolArgumentsPart(int Index, string Text) : DeltaPart;
