using System.Buffers.Text;
using System.Security.Cryptography;

namespace Sluice.Streams;

/// <summary>Names one stream: 128 random bits, so that knowing one id tells nothing of another.</summary>
/// <param name="Value">22 characters of URL-safe Base64.</param>
public readonly record struct StreamId(string Value)
{
    /// <summary>Makes an unguessable id.</summary>
    public static StreamId New()
    {
        Span<byte> bits = stackalloc byte[16];
        RandomNumberGenerator.Fill(bits);
        return new StreamId(Base64Url.EncodeToString(bits));
    }

    /// <inheritdoc/>
    public override string ToString() => Value;
}
