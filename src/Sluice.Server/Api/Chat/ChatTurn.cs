using System.Collections.Immutable;

namespace Sluice.Server.Api.Chat;

/// <summary>One message of a chat, whatever the dialect.</summary>
/// <param name="Role">Who speaks: system, user, assistant or tool.</param>
/// <param name="Content">What is said.</param>
internal sealed record ChatTurn(string Role, string Content)
{
    /// <summary>Who exactly speaks; of a tool's result the tool.</summary>
    public string? Name { get; init; }

    /// <summary>What the assistant wrote to itself before.</summary>
    public string? Reasoning { get; init; }

    /// <summary>The calls that the assistant made.</summary>
    public ImmutableArray<ChatCall> Calls { get; init; } = [];

    /// <summary>The call that a tool's result is of.</summary>
    public string? CallId { get; init; }
}

/// <summary>A call of a tool that the assistant made earlier.</summary>
/// <param name="Id">The call's id.</param>
/// <param name="Name">The tool.</param>
/// <param name="Arguments">Its arguments as JSON text; not always valid, because a model wrote it.</param>
internal sealed record ChatCall(string Id, string Name, string Arguments);
