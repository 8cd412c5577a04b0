namespace Sluice.Server.Api.Chat;

/// <summary>Whether the model calls tools.</summary>
internal enum ToolUse
{
    /// <summary>As it likes.</summary>
    Auto,

    /// <summary>Not at all: it is not told of any.</summary>
    None,

    /// <summary>It must: its answer begins as a call.</summary>
    Required,
}

/// <summary>Whether the model calls tools, and which.</summary>
/// <param name="Use">Whether.</param>
/// <param name="Name">The one tool that it must call.</param>
internal readonly record struct ToolChoice(ToolUse Use, string? Name = null);
