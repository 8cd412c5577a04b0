using System.Buffers;
using System.Text.Json;
using Sluice.Engine.Tokens.Templates;

namespace Sluice.Server.Api.OpenAi.Responses;

/// <summary>
/// The items of a conversation as the messages of a chat. What the model said in one turn is one message: its reasoning,
/// its text and its calls, in this order; templates know it in no other form.
/// </summary>
internal static class ResponseMessages
{
    /// <param name="instructions">What the model is told first; null for nothing.</param>
    /// <param name="items">Items as <see cref="ResponseInput"/> gives them.</param>
    public static List<ChatMessage> Of(string? instructions, IEnumerable<JsonElement> items)
    {
        var messages = new List<ChatMessage>();
        if (!string.IsNullOrEmpty(instructions))
        {
            messages.Add(new ChatMessage("system", instructions));
        }

        Turn? turn = null;
        foreach (var item in items)
        {
            var type = Text(item, "type");
            if (type == "function_call_output")
            {
                Close();
                messages.Add(new ChatMessage("tool", Text(item, "output"))
                {
                    Fields = new Dictionary<string, object?> { ["tool_call_id"] = Text(item, "call_id") },
                });
                continue;
            }

            var role = type == "message" ? Text(item, "role") : "assistant";
            if (role != "assistant")
            {
                Close();
                messages.Add(new ChatMessage(role == "developer" ? "system" : role, PartsOf(item)));
                continue;
            }

            if (turn?.Takes(type) != true)
            {
                Close();
                turn = new Turn();
            }

            turn.Add(type, item);
        }

        Close();
        return messages;

        void Close()
        {
            if (turn is not null)
            {
                messages.Add(turn.ToMessage());
                turn = null;
            }
        }
    }

    private static string Text(JsonElement item, string name) => item.GetProperty(name).GetString()!;

    private static string PartsOf(JsonElement item)
        => string.Concat(item.GetProperty("content"u8).EnumerateArray().Select(static part => Text(part, "text")));

    /// <summary>What the model said until somebody else did.</summary>
    private sealed class Turn
    {
        private readonly List<JsonElement> _calls = [];
        private string? _reasoning;
        private string? _content;

        public bool Takes(string type) => type switch
        {
            "reasoning" => _reasoning is null && _content is null && _calls.Count == 0,
            "message" => _content is null && _calls.Count == 0,
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
                    _calls.Add(item);
                    break;
            }
        }

        public ChatMessage ToMessage()
        {
            var fields = new Dictionary<string, object?>();
            if (!string.IsNullOrEmpty(_reasoning))
            {
                fields.Add("reasoning_content", _reasoning);
            }

            if (_calls.Count > 0)
            {
                fields.Add("tool_calls", CallsAsChat());
            }

            return new ChatMessage("assistant", _content ?? "") { Fields = fields };
        }

        private JsonElement CallsAsChat()
        {
            var bytes = new ArrayBufferWriter<byte>();
            using (var json = new Utf8JsonWriter(bytes, JsonResponse.WriterOptions))
            {
                json.WriteStartArray();
                foreach (var call in _calls)
                {
                    json.WriteStartObject();
                    json.WriteString("id"u8, Text(call, "call_id"));
                    json.WriteString("type"u8, "function");
                    json.WriteStartObject("function"u8);
                    json.WriteString("name"u8, Text(call, "name"));
                    json.WriteString("arguments"u8, Text(call, "arguments"));
                    json.WriteEndObject();
                    json.WriteEndObject();
                }

                json.WriteEndArray();
            }

            return JsonElement.Parse(bytes.WrittenSpan);
        }
    }
}
