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

    public static string Of(StreamId stream, int choice, int call, CallSyntax syntax)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes($"{stream.Value}/{choice}/{call}"), hash);
        var isMistral = syntax is CallSyntax.MistralList or CallSyntax.MistralNamed;
        var id = new StringBuilder(isMistral ? "" : "call_");
        foreach (var value in hash[..(isMistral ? MistralLength : Length)])
        {
            id.Append(Characters[value % Characters.Length]);
        }

        return id.ToString();
    }
}
