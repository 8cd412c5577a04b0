using System.Text.Json;
using Sluice.Streams;

namespace Sluice.Server.Api.Chat;

/// <summary>A tool that the model may call, whatever the dialect.</summary>
/// <param name="Name">Its name, by <see cref="IsName"/>.</param>
/// <param name="Description">What it is for.</param>
/// <param name="Parameters">The JSON schema of its arguments: an object; null where it takes none.</param>
internal sealed record ChatTool(string Name, string? Description, JsonElement? Parameters)
{
    /// <summary>Most tools of one request.</summary>
    public const int MaxCount = 128;

    /// <summary>Longest name.</summary>
    public const int MaxNameLength = 64;

    /// <summary>Longest description, and longest schema, in characters.</summary>
    public const int MaxTextLength = 32 * 1024;

    /// <summary>Whether the schema says that a call must have arguments.</summary>
    public bool RequiresArguments
        => Parameters is { ValueKind: JsonValueKind.Object } schema && schema.TryGetProperty("required", out var required)
            && required.ValueKind == JsonValueKind.Array && required.GetArrayLength() > 0;

    /// <summary>Whether a tool can have this name: letters, digits, _ and -, so that a name is never markup.</summary>
    public static bool IsName(string name)
        => name.Length is > 0 and <= MaxNameLength && name.All(static character => char.IsAsciiLetterOrDigit(character) || character is '_' or '-');

    /// <summary>Checks what every dialect's tools have to keep to.</summary>
    /// <param name="path">Where the tool stands in the request.</param>
    public ApiError? Check(string path)
    {
        if (!IsName(Name))
        {
            return ApiError.Invalid($"{path}.name", $"{path}.name must be 1 to {MaxNameLength} letters, digits, underscores and hyphens.");
        }

        if (Description?.Length > MaxTextLength)
        {
            return ApiError.Invalid($"{path}.description", $"{path}.description has {Description.Length} characters; at most {MaxTextLength} are allowed.");
        }

        if (Parameters is { ValueKind: not JsonValueKind.Object } other)
        {
            return ApiError.Invalid($"{path}.parameters", $"{path}.parameters must be a JSON schema, which is an object, not {JsonText.Name(other)}.");
        }

        return Parameters is { } schema && schema.GetRawText().Length > MaxTextLength
            ? ApiError.Invalid($"{path}.parameters", $"{path}.parameters is longer than {MaxTextLength} characters.")
            : null;
    }

    /// <summary>Checks a request's tools together.</summary>
    public static ApiError? Check(IReadOnlyList<ChatTool> tools, string path)
    {
        if (tools.Count > MaxCount)
        {
            return ApiError.Invalid(path, $"{path} has {tools.Count} tools; at most {MaxCount} are allowed.");
        }

        var names = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < tools.Count; i++)
        {
            if (!names.Add(tools[i].Name))
            {
                return ApiError.Invalid($"{path}[{i}]", $"{path}[{i}] has the name {tools[i].Name}, which another tool has too.");
            }
        }

        return null;
    }

    /// <summary>The tool as templates expect it, which is OpenAI's form.</summary>
    public Dictionary<string, object?> ToTemplate()
    {
        var function = new Dictionary<string, object?> { ["name"] = Name };
        if (Description is not null)
        {
            function.Add("description", Description);
        }

        function.Add("parameters", Parameters ?? JsonElement.Parse("""{"type":"object","properties":{}}"""));
        return new Dictionary<string, object?> { ["type"] = "function", ["function"] = function };
    }

    /// <summary>The tool as reading the answer needs to know it.</summary>
    public CallableTool ToCallable()
    {
        var values = Parameters is { } schema && schema.TryGetProperty("properties", out var properties) && properties.ValueKind == JsonValueKind.Object
            ? properties.EnumerateObject().Where(static property => !IsPlainText(property.Value)).Select(static property => property.Name)
            : [];
        return new CallableTool(Name, [.. values]);
    }

    private static bool IsPlainText(JsonElement schema)
        => schema.ValueKind == JsonValueKind.Object && schema.TryGetProperty("type", out var type) && JsonText.TryGet(type, out var name) && name == "string";
}
