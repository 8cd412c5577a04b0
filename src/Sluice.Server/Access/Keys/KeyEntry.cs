using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;

namespace Sluice.Server.Access.Keys;

/// <summary>One caller: a name, the keys that it may come with, what it may use.</summary>
/// <param name="Name">What it owns goes by this name.</param>
/// <param name="Hashes">SHA-256 of each of its keys: one, and while keys are changed the old and the new one.</param>
/// <param name="Limits">What it may use.</param>
internal sealed record KeyEntry(string Name, ImmutableArray<KeyHash> Hashes, KeyLimits Limits)
{
    /// <summary>The name of the caller with the one key of <c>--api-key</c>.</summary>
    public const string NameOfApiKey = "api-key";

    private const int LongestName = 64;

    /// <summary>What a name may be, for error messages.</summary>
    public const string NameRule = "1 to 64 letters, digits, '.', '_' or '-' of ASCII";

    public static bool IsName(string text)
        => text.Length is > 0 and <= LongestName && text.All(static character => char.IsAsciiLetterOrDigit(character) || character is '.' or '_' or '-');
}

/// <summary>SHA-256 of a key. Keys themselves are kept nowhere.</summary>
/// <param name="Hex">In lower-case hexadecimal digits.</param>
internal readonly record struct KeyHash(string Hex)
{
    public static KeyHash Of(string key) => new(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key))));

    public static bool TryParse(string text, out KeyHash hash)
    {
        hash = new KeyHash(text.ToLowerInvariant());
        return text.Length == 2 * SHA256.HashSizeInBytes && text.All(char.IsAsciiHexDigit);
    }
}

/// <summary>What one caller may use; null is without limit.</summary>
/// <param name="Streams">Generations that go on at the same time.</param>
/// <param name="RequestsPerMinute">Generations that it starts.</param>
/// <param name="TokensPerMinute">Tokens of its prompts and answers.</param>
internal readonly record struct KeyLimits(int? Streams, int? RequestsPerMinute, int? TokensPerMinute);
