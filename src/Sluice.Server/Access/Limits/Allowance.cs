using System.Globalization;

namespace Sluice.Server.Access.Limits;

/// <summary>How far a caller is from its limits by the minute, as OpenAI's <c>x-ratelimit-</c> headers tell it.</summary>
/// <param name="Requests">Of requests; null without limit.</param>
/// <param name="Tokens">Of tokens; null without limit.</param>
internal sealed record Allowance(Allowance.Rate? Requests, Allowance.Rate? Tokens)
{
    /// <summary>The names of all headers that tell it.</summary>
    public static IEnumerable<string> HeaderNames { get; } =
        [.. ((string[])["limit", "remaining", "reset"]).SelectMany(static what => ((string[])["requests", "tokens"]).Select(of => $"x-ratelimit-{what}-{of}"))];

    public void WriteTo(IHeaderDictionary headers)
    {
        Write(headers, Requests, "requests");
        Write(headers, Tokens, "tokens");
    }

    private static void Write(IHeaderDictionary headers, Rate? rate, string name)
    {
        if (rate is { } known)
        {
            headers[$"x-ratelimit-limit-{name}"] = known.Limit.ToString(CultureInfo.InvariantCulture);
            headers[$"x-ratelimit-remaining-{name}"] = known.Remaining.ToString(CultureInfo.InvariantCulture);
            headers[$"x-ratelimit-reset-{name}"] = Duration(known.Reset);
        }
    }

    /// <summary>As OpenAI writes it, which is how Go does: <c>6m0s</c>, <c>1.5s</c>, <c>120ms</c>, <c>0s</c>. Rounded up.</summary>
    internal static string Duration(TimeSpan time)
    {
        var milliseconds = (long)Math.Ceiling(time.TotalMilliseconds);
        var seconds = (milliseconds % 60_000 / 1000m).ToString("0.###", CultureInfo.InvariantCulture);
        return milliseconds switch
        {
            0 => "0s",
            < 1000 => $"{milliseconds}ms",
            < 60_000 => $"{seconds}s",
            _ => $"{milliseconds / 60_000}m{seconds}s",
        };
    }

    /// <param name="Limit">So much a minute.</param>
    /// <param name="Remaining">So much may be used at once.</param>
    /// <param name="Reset">So long until it is the limit again.</param>
    internal readonly record struct Rate(int Limit, int Remaining, TimeSpan Reset);
}
