using System.Text.Json;
using Sluice.Server.Api.Chat;

namespace Sluice.Server.Api.Anthropic;

/// <summary>Reads <c>tools</c> and <c>tool_choice</c> as messages have them.</summary>
internal static class MessagesTools
{
    public static Outcome<List<ChatTool>> Read(JsonElement? tools)
    {
        var read = new List<ChatTool>();
        if (tools is not { ValueKind: not JsonValueKind.Null } given)
        {
            return read;
        }

        if (given.ValueKind != JsonValueKind.Array)
        {
            return ApiError.Invalid("tools", $"tools must be an array, not {JsonText.Name(given)}.");
        }

        foreach (var tool in given.EnumerateArray())
        {
            if (!ReadTool(tool, $"tools[{read.Count}]").Succeeded(out var one, out var error))
            {
                return error;
            }

            read.Add(one);
        }

        return ChatTool.Check(read, "tools") is { } fault ? fault : read;
    }

    public static Outcome<ToolChoice> ReadChoice(ToolChoiceBody? choice, IReadOnlyList<ChatTool> tools) => choice?.Type switch
    {
        null when choice is null => new ToolChoice(ToolUse.Auto),
        "auto" => new ToolChoice(ToolUse.Auto),
        "none" => new ToolChoice(ToolUse.None),
        "any" when tools.Count > 0 => new ToolChoice(ToolUse.Required),
        "tool" when tools.Any(tool => tool.Name == choice.Name) => new ToolChoice(ToolUse.Required, choice.Name),
        "any" => ApiError.Invalid("tool_choice", "tool_choice demands a call, but there are no tools."),
        "tool" => ApiError.Invalid("tool_choice.name", "tool_choice.name must be the name of one of tools."),
        _ => ApiError.Invalid("tool_choice.type", "tool_choice.type must be auto, any, tool or none."),
    };

    private static Outcome<ChatTool> ReadTool(JsonElement tool, string path)
    {
        var type = Blocks.Field(tool, "type");
        if (tool.ValueKind != JsonValueKind.Object || !(type.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null || Blocks.TypeOf(tool) == "custom"))
        {
            return ApiError.Invalid($"{path}.type", $"{path} must be a tool of the client's own, whose type is \"custom\" or left out; this server has none.", "unsupported_parameter");
        }

        var schema = Blocks.Field(tool, "input_schema");
        if (schema.ValueKind != JsonValueKind.Object)
        {
            return ApiError.Invalid($"{path}.input_schema", $"{path}.input_schema must be a JSON schema, which is an object.");
        }

        JsonText.TryGet(Blocks.Field(tool, "name"), out var name);
        JsonText.TryGet(Blocks.Field(tool, "description"), out var description);
        var read = new ChatTool(name ?? "", description, schema);
        return read.Check(path) is { } error ? error : read;
    }
}

/// <summary>Whether the model calls tools.</summary>
internal sealed record ToolChoiceBody
{
    public string? Type { get; init; }

    public string? Name { get; init; }

    public bool? DisableParallelToolUse { get; init; }
}
