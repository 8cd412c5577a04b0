using System.Collections.Immutable;
using System.Text.Json;
using Sluice.Server.Api.Chat;

namespace Sluice.Server.Api.OpenAi.Responses;

/// <summary>
/// The items of a conversation as the messages of a chat. What the model said in one turn is one message: its reasoning,
/// its text and its calls, in this order; templates know it in no other form.
/// </summary>
internal static class ResponseMessages
{
    /// <param name="instructions">What the model is told first; null for nothing.</param>
    /// <param name="items">Items as <see cref="ResponseInput"/> gives them.</param>
    public static List<ChatTurn> Of(string? instructions, IEnumerable<JsonElement> items)
    {
        var turns = new List<ChatTurn>();
        if (!string.IsNullOrEmpty(instructions))
        {
            turns.Add(new ChatTurn("system", instructions));
        }

        var said = new Said();
        foreach (var item in items)
        {
            var type = Text(item, "type");
            var role = type switch
            {
                "message" => Text(item, "role"),
                "function_call_output" => "tool",
                _ => "assistant",
            };
            if (role != "assistant" || !said.Takes(type))
            {
                said.MoveTo(turns);
            }

            switch (role)
            {
                case "assistant":
                    said.Add(type, item);
                    break;
                case "tool":
                    turns.Add(new ChatTurn(role, Text(item, "output")) { CallId = Text(item, "call_id") });
                    break;
                default:
                    turns.Add(new ChatTurn(role == "developer" ? "system" : role, PartsOf(item))); // templates know the older name
                    break;
            }
        }

        said.MoveTo(turns);
        return turns;
    }

    private static string Text(JsonElement item, string name) => item.GetProperty(name).GetString()!;

    private static string PartsOf(JsonElement item)
        => string.Concat(item.GetProperty("content"u8).EnumerateArray().Select(static part => Text(part, "text")));

    /// <summary>What the model said since somebody else did.</summary>
    private sealed class Said
    {
        private string? _reasoning;
        private string? _content;
        private ImmutableArray<ChatCall> _calls = [];

        private bool IsEmpty => _reasoning is null && _content is null && _calls.IsEmpty;

        /// <summary>Whether the item belongs to the same message.</summary>
        public bool Takes(string type) => type switch
        {
            "reasoning" => IsEmpty,
            "message" => _content is null && _calls.IsEmpty,
            _ => true,
        };

        public void Add(string type, JsonElement item)
        {
            switch (type)
            {
                case "reasoning":
                    _reasoning = PartsOf(item);
                    break;
                case "message":
                    _content = PartsOf(item);
                    break;
                default:
                    _calls = _calls.Add(new ChatCall(Text(item, "call_id"), Text(item, "name"), Text(item, "arguments")));
                    break;
            }
        }

        public void MoveTo(List<ChatTurn> turns)
        {
            if (!IsEmpty)
            {
                turns.Add(new ChatTurn("assistant", _content ?? "") { Reasoning = string.IsNullOrEmpty(_reasoning) ? null : _reasoning, Calls = _calls });
                (_reasoning, _content, _calls) = (null, null, []);
            }
        }
    }
}
