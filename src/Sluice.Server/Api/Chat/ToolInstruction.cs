using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Sluice.Server.Parsing;

namespace Sluice.Server.Api.Chat;

/// <summary>
/// Tools for models whose template does not know of any: their schemas and the way to call them go into the system
/// message, calls and results into the text of messages, in the format of Hermes, which more models have seen than any
/// other.
/// </summary>
internal static class ToolInstruction
{
    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The chat with everything of tools as text.</summary>
    public static List<ChatTurn> Write(IReadOnlyList<ChatTurn> turns, IReadOnlyList<ChatTool> tools)
    {
        var written = new List<ChatTurn>(turns.Count + 1);
        for (var i = 0; i < turns.Count; i++)
        {
            var turn = turns[i];
            if (turn.Role != "tool")
            {
                written.Add(turn with { Content = WithCalls(turn), Calls = [] });
                continue;
            }

            // The results of several calls are one message.
            var result = $"<tool_response>\n{turn.Content}\n</tool_response>";
            if (i > 0 && turns[i - 1].Role == "tool")
            {
                written[^1] = written[^1] with { Content = $"{written[^1].Content}\n{result}" };
            }
            else
            {
                written.Add(new ChatTurn("user", result));
            }
        }

        if (tools.Count == 0)
        {
            return written;
        }

        if (written is [{ Role: "system" } system, ..])
        {
            written[0] = system with { Content = $"{system.Content}\n\n{Describe(tools)}" };
        }
        else
        {
            written.Insert(0, new ChatTurn("system", Describe(tools)));
        }

        return written;
    }

    private static string Describe(IReadOnlyList<ChatTool> tools)
    {
        var text = new StringBuilder("You can call tools. They are described here, one in each line, by their JSON schemas:\n<tools>\n");
        foreach (var tool in tools)
        {
            text.Append(Encoding.UTF8.GetString(Json(json => Write(json, tool)))).Append('\n');
        }

        return text.Append(
            $$$"""
            </tools>
            To call a tool, write its name and its arguments as a JSON object between {{{HermesReader.Open}}} and {{{HermesReader.Close}}}, one such block for each call:
            {{{HermesReader.Open}}}
            {"name": "the tool's name", "arguments": {"an argument's name": "its value"}}
            {{{HermesReader.Close}}}
            What a tool answers comes back between <tool_response> and </tool_response>.
            """).ToString();
    }

    private static string WithCalls(ChatTurn turn)
    {
        var text = new StringBuilder(turn.Content);
        foreach (var call in turn.Calls)
        {
            text.Append(text.Length == 0 ? "" : "\n").Append(HermesReader.Open).Append("\n{\"name\": \"").Append(call.Name).Append("\", \"arguments\": ");
            text.Append(call.Arguments.Length == 0 ? "{}" : call.Arguments).Append("}\n").Append(HermesReader.Close);
        }

        return text.ToString();
    }

    private static void Write(Utf8JsonWriter json, ChatTool tool)
    {
        json.WriteStartObject();
        json.WriteString("name"u8, tool.Name);
        if (tool.Description is not null)
        {
            json.WriteString("description"u8, tool.Description);
        }

        if (tool.Parameters is { } parameters)
        {
            json.WritePropertyName("parameters"u8);
            parameters.WriteTo(json);
        }

        json.WriteEndObject();
    }

    private static byte[] Json(Action<Utf8JsonWriter> write)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, Plain))
        {
            write(json);
        }

        return bytes.ToArray();
    }
}
