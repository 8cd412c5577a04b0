using System.Collections.Immutable;
using System.Text.Json;
using Sluice.Server.Configuration;

namespace Sluice.Server.Access.Keys;

/// <summary>
/// The file that names the callers: <c>{"keys": [{"name": "ada", "sha256": "9f86…", "streams": 4}]}</c>. Whatever is
/// wrong with it is one sentence that says where.
/// </summary>
internal static class KeyFile
{
    /// <summary>Largest file, in bytes.</summary>
    private const int MaxBytes = 16 << 20;

    private static readonly string[] LimitNames = ["streams", "requests_per_minute", "tokens_per_minute"];

    /// <exception cref="UsageException">The file cannot be read.</exception>
    public static byte[] ReadBytes(string path)
    {
        try
        {
            return new FileInfo(path).Length <= MaxBytes
                ? File.ReadAllBytes(path)
                : throw new UsageException($"The key file {path} is larger than {MaxBytes >> 20} MiB.");
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"The key file {path} cannot be read: {fault.Message}");
        }
    }

    /// <exception cref="UsageException">The file's content is not what it must be.</exception>
    public static ImmutableArray<KeyEntry> Parse(string path, ReadOnlyMemory<byte> bytes)
    {
        try
        {
            using var json = JsonDocument.Parse(bytes, new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
            var entries = Parse(json.RootElement);
            CheckDoubles(entries);
            return entries;
        }
        catch (JsonException fault)
        {
            throw new UsageException($"The key file {path} is not valid JSON (line {fault.LineNumber + 1}, byte {fault.BytePositionInLine + 1}).");
        }
        catch (FormatException fault)
        {
            throw new UsageException($"The key file {path} cannot be used: {fault.Message}");
        }
    }

    private static ImmutableArray<KeyEntry> Parse(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("keys", out var keys) || keys.ValueKind != JsonValueKind.Array)
        {
            throw new FormatException("it must be a JSON object with an array 'keys'; 'sluice key NAME' prints an entry for it.");
        }

        if (root.EnumerateObject().FirstOrDefault(static property => property.Name != "keys") is { Value.ValueKind: not JsonValueKind.Undefined } other)
        {
            throw new FormatException($"it has '{other.Name}' beside 'keys'.");
        }

        return [.. keys.EnumerateArray().Select(static (entry, index) => ParseEntry(entry, index))];
    }

    private static KeyEntry ParseEntry(JsonElement entry, int index)
    {
        var place = $"keys[{index}]";
        if (entry.ValueKind != JsonValueKind.Object)
        {
            throw new FormatException($"{place} must be an object with 'name' and 'sha256'.");
        }

        var (name, hashes, limits) = ("", ImmutableArray<KeyHash>.Empty, new int?[LimitNames.Length]);
        foreach (var property in entry.EnumerateObject())
        {
            var at = $"{place}.{property.Name}";
            var limit = Array.IndexOf(LimitNames, property.Name);
            if (property.Name == "name")
            {
                name = property.Value.ValueKind == JsonValueKind.String && KeyEntry.IsName(property.Value.GetString()!)
                    ? property.Value.GetString()!
                    : throw new FormatException($"{at} must be {KeyEntry.NameRule}.");
            }
            else if (property.Name == "sha256")
            {
                hashes = ParseHashes(property.Value, at);
            }
            else if (limit >= 0)
            {
                limits[limit] = property.Value.ValueKind == JsonValueKind.Number && property.Value.TryGetInt32(out var number) && number > 0
                    ? number
                    : throw new FormatException($"{at} must be an integer from 1 to {int.MaxValue}; without it there is no limit.");
            }
            else
            {
                throw new FormatException($"{at} is not known; an entry has name, sha256, {string.Join(", ", LimitNames)}.");
            }
        }

        return name.Length > 0 && !hashes.IsEmpty
            ? new KeyEntry(name, hashes, new KeyLimits(limits[0], limits[1], limits[2]))
            : throw new FormatException($"{place} must have 'name' and 'sha256'.");
    }

    private static ImmutableArray<KeyHash> ParseHashes(JsonElement value, string place)
    {
        IEnumerable<JsonElement> texts = value.ValueKind == JsonValueKind.Array ? value.EnumerateArray() : [value];
        var hashes = texts.Select(text => text.ValueKind == JsonValueKind.String && KeyHash.TryParse(text.GetString()!, out var hash)
            ? hash
            : throw new FormatException($"{place} must be the SHA-256 of the key in 64 hexadecimal digits, or an array of these; never the key itself.")).ToImmutableArray();
        return !hashes.IsEmpty ? hashes : throw new FormatException($"{place} must have at least one hash; leave the whole entry out to take the key away.");
    }

    private static void CheckDoubles(ImmutableArray<KeyEntry> entries)
    {
        if (entries.GroupBy(static entry => entry.Name).FirstOrDefault(static same => same.Count() > 1) is { Key: var name })
        {
            throw new FormatException($"the name '{name}' is there twice; for a caller with two keys give 'sha256' an array.");
        }

        if (entries.SelectMany(static entry => entry.Hashes.Select(hash => (entry.Name, hash))).GroupBy(static key => key.hash).FirstOrDefault(static same => same.Count() > 1) is { } twice)
        {
            throw new FormatException($"the same key is there twice, for {string.Join(" and ", twice.Select(static key => $"'{key.Name}'"))}.");
        }
    }
}
