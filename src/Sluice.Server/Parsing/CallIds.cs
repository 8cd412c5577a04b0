using System.Security.Cryptography;
using System.Text;
using Sluice.Streams;

namespace Sluice.Server.Parsing;

/// <summary>
/// Ids of calls, each a function of the stream, the choice and the call's index: the same however often the text is read.
/// </summary>
internal static class CallIds
{
    private const string Characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    /// <summary>What Mistral's templates demand of an id.</summary>
    private const int MistralLength = 9;

    private const int Length = 24;

    /// <summary>An id that the format can have: the given one, or one made of it.</summary>
    public static string Fit(string id, CallSyntax syntax)
        => !IsMistral(syntax) || (id.Length == MistralLength && id.All(char.IsAsciiLetterOrDigit)) ? id : Characterize(id, MistralLength);

    public static string Of(StreamId stream, int choice, int call, CallSyntax syntax)
    {
        var name = $"{stream.Value}/{choice}/{call}";
        return IsMistral(syntax) ? Characterize(name, MistralLength) : "call_" + Characterize(name, Length);
    }

    private static bool IsMistral(CallSyntax syntax) => syntax is CallSyntax.MistralList or CallSyntax.MistralNamed;

    private static string Characterize(string text, int length)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(text), hash);
        var id = new StringBuilder(length);
        foreach (var value in hash[..length])
        {
            id.Append(Characters[value % Characters.Length]);
        }

        return id.ToString();
    }
}
