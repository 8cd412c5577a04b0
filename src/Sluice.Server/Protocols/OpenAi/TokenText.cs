using System.Globalization;
using System.Text;
using System.Text.Json;
using Sluice.Streams;

namespace Sluice.Server.Protocols.OpenAi;

/// <summary>How both dialects write a token and its log probability.</summary>
internal static class TokenText
{
    /// <summary>What stands for minus infinity, which JSON cannot say; OpenAI's own number.</summary>
    private const float Impossible = -9999;

    /// <summary>The token's text, U+FFFD for bytes that are no UTF-8 by themselves; or its id.</summary>
    public static string Of(TokenProbability token, bool asId)
        => asId ? string.Create(CultureInfo.InvariantCulture, $"token_id:{token.Id}") : Encoding.UTF8.GetString(token.Bytes.Span);

    /// <summary>Writes the number as an array's element; null for a prompt's first token, which nothing predicts.</summary>
    public static void WriteLogprob(Utf8JsonWriter json, float logprob)
    {
        if (float.IsNaN(logprob))
        {
            json.WriteNullValue();
        }
        else
        {
            json.WriteNumberValue(Math.Max(logprob, Impossible));
        }
    }
}
