using System.Text.Json;
using Sluice.Server.Api.Chat;

namespace Sluice.Server.Api.OpenAi;

/// <summary>
/// Reads <c>tools</c> and <c>tool_choice</c> as chat completions have them; or flat, as responses do, with the function's
/// fields in the tool itself.
/// </summary>
internal static class ToolFields
{
    public static Outcome<List<ChatTool>> ReadTools(JsonElement? tools, bool isFlat = false)
    {
        var read = new List<ChatTool>();
        if (tools is not { } given)
        {
            return read;
        }

        if (given.ValueKind != JsonValueKind.Array)
        {
            return ApiError.Invalid("tools", $"tools must be an array, not {JsonText.Name(given)}.");
        }

        foreach (var tool in given.EnumerateArray())
        {
            if (!ReadTool(tool, $"tools[{read.Count}]", isFlat).Succeeded(out var one, out var error))
            {
                return error;
            }

            read.Add(one);
        }

        return ChatTool.Check(read, "tools") is { } fault ? fault : read;
    }

    public static Outcome<ToolChoice> ReadChoice(JsonElement? choice, IReadOnlyList<ChatTool> tools, bool isFlat = false)
    {
        if (choice is not { } given)
        {
            return new ToolChoice(ToolUse.Auto);
        }

        ToolChoice? read = null;
        if (JsonText.TryGet(given, out var word))
        {
            read = word switch
            {
                "none" => new ToolChoice(ToolUse.None),
                "auto" => new ToolChoice(ToolUse.Auto),
                "required" => new ToolChoice(ToolUse.Required),
                _ => null,
            };
        }
        else if (given.ValueKind == JsonValueKind.Object && TextOf(given, "type") == "function"
            && FunctionOf(given, isFlat) is { } function && TextOf(function, "name") is { } name)
        {
            if (tools.All(tool => tool.Name != name))
            {
                return ApiError.Invalid("tool_choice", "tool_choice names a function that is not among tools.");
            }

            read = new ToolChoice(ToolUse.Required, name);
        }

        return read switch
        {
            null => ApiError.Invalid(
                "tool_choice", $"tool_choice must be \"none\", \"auto\", \"required\" or {{\"type\": \"function\", {(isFlat ? "\"name\": …" : "\"function\": {\"name\": …}")}}}."),
            { Use: ToolUse.Required } when tools.Count == 0 => ApiError.Invalid("tool_choice", "tool_choice demands a call, but there are no tools."),
            { } valid => valid,
        };
    }

    private static Outcome<ChatTool> ReadTool(JsonElement tool, string path, bool isFlat)
    {
        if (tool.ValueKind != JsonValueKind.Object)
        {
            return ApiError.Invalid(path, $"{path} must be an object, not {JsonText.Name(tool)}.");
        }

        if (TextOf(tool, "type") != "function")
        {
            return ApiError.Invalid($"{path}.type", $"{path}.type must be \"function\": there are no other tools here.");
        }

        path += isFlat ? "" : ".function";
        if (FunctionOf(tool, isFlat) is not { } function)
        {
            return ApiError.Invalid(path, $"{path} must be an object with the function's name.");
        }

        var description = Given(function, "description");
        if (description is { } given && !JsonText.TryGet(given, out _))
        {
            return ApiError.Invalid($"{path}.description", $"{path}.description must be a string, not {JsonText.Name(given)}.");
        }

        var read = new ChatTool(TextOf(function, "name") ?? "", description is null ? null : TextOf(function, "description"), Given(function, "parameters"));
        return read.Check(path) is { } error ? error : read;
    }

    private static JsonElement? FunctionOf(JsonElement owner, bool isFlat)
        => isFlat ? owner : owner.TryGetProperty("function", out var function) && function.ValueKind == JsonValueKind.Object ? function : null;

    private static JsonElement? Given(JsonElement owner, string name)
        => owner.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private static string? TextOf(JsonElement owner, string name)
        => owner.TryGetProperty(name, out var value) && JsonText.TryGet(value, out var text) ? text : null;
}
