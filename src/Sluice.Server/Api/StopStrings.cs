using System.Collections.Immutable;
using System.Text.Json;

namespace Sluice.Server.Api;

/// <summary>Stop strings: one, or an array of them.</summary>
internal static class StopStrings
{
    /// <summary>Reads the strings; how many there may be and how long is for the validator to say.</summary>
    /// <param name="stop">The field's value; null where it is absent.</param>
    /// <param name="name">The field's path.</param>
    public static Outcome<ImmutableArray<string>> Read(JsonElement? stop, string name)
    {
        if (stop is not { ValueKind: not JsonValueKind.Null } given)
        {
            return ImmutableArray<string>.Empty;
        }

        if (JsonText.TryGet(given, out var single))
        {
            return ImmutableArray.Create(single);
        }

        if (given.ValueKind != JsonValueKind.Array)
        {
            return ApiError.Invalid(name, $"{name} must be a string or an array of strings, not {JsonText.Name(given)}.");
        }

        var strings = ImmutableArray.CreateBuilder<string>(given.GetArrayLength());
        foreach (var element in given.EnumerateArray())
        {
            if (!JsonText.TryGet(element, out var text))
            {
                return ApiError.Invalid($"{name}[{strings.Count}]", $"{name}[{strings.Count}] must be a string, not {JsonText.Name(element)}.");
            }

            strings.Add(text);
        }

        return strings.MoveToImmutable();
    }
}
