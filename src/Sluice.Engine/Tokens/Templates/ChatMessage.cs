namespace Sluice.Engine.Tokens.Templates;

/// <summary>One message of a chat, as a template sees it.</summary>
/// <param name="Role">Who speaks.</param>
/// <param name="Content">What is said: a string, null, or parts as lists and dictionaries (or their JSON).</param>
public sealed record ChatMessage(string Role, object? Content)
{
    /// <summary>
    /// Further fields by their names, such as <c>name</c>, <c>tool_calls</c>, <c>tool_call_id</c> and <c>reasoning_content</c>. Values are
    /// null, strings, booleans, numbers, lists and dictionaries of these, and JSON.
    /// </summary>
    public IReadOnlyDictionary<string, object?>? Fields { get; init; }
}
