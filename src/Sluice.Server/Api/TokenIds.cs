using System.Collections.Immutable;
using System.Text.Json;

namespace Sluice.Server.Api;

/// <summary>Token ids as a JSON array.</summary>
internal static class TokenIds
{
    /// <summary>Reads the ids; that each exists is for the validator to say.</summary>
    public static Outcome<ImmutableArray<int>> Read(JsonElement array, string path)
    {
        var ids = ImmutableArray.CreateBuilder<int>(array.GetArrayLength());
        foreach (var element in array.EnumerateArray())
        {
            if (element.ValueKind != JsonValueKind.Number || !element.TryGetInt32(out var id))
            {
                return ApiError.Invalid($"{path}[{ids.Count}]", $"{path}[{ids.Count}] must be a token id, which is an integer.");
            }

            ids.Add(id);
        }

        return ids.MoveToImmutable();
    }
}
