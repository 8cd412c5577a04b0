using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace Sluice.Server.Access;

/// <summary>The origins whose web pages may use the server from a browser, beside its own.</summary>
internal sealed class AllowedOrigins
{
    private const string Any = "*";

    private readonly ImmutableHashSet<string> _origins;

    private AllowedOrigins(IEnumerable<string> origins) => _origins = [.. origins];

    public static AllowedOrigins None { get; } = new([]);

    public bool IsEmpty => _origins.IsEmpty;

    /// <summary>Whether pages of all origins may.</summary>
    public bool IsAny => _origins.Contains(Any);

    /// <summary>Reads a list such as <c>https://chat.example, http://localhost:3000</c>, or <c>*</c>.</summary>
    /// <param name="list">The list, separated by commas.</param>
    /// <param name="origins">What it says.</param>
    /// <param name="wrong">The item that is no origin.</param>
    public static bool TryParse(string list, [NotNullWhen(true)] out AllowedOrigins? origins, [NotNullWhen(false)] out string? wrong)
    {
        var items = list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        wrong = items.Length == 0 ? list : Array.Find(items, static item => item != Any && !IsOrigin(item));
        origins = wrong is null ? new AllowedOrigins(items.Select(static item => item.ToLowerInvariant())) : null;
        return origins is not null;
    }

    /// <summary>Whether a page of this origin, as a browser names it, is among them.</summary>
    public bool Contains(string origin) => IsAny || _origins.Contains(origin.ToLowerInvariant());

    /// <summary>
    /// Whether a browser may do what it asks before any answer of ours could stop it: open a WebSocket. It may for pages of
    /// this server and of the origins named here; whoever sends no Origin is no browser.
    /// </summary>
    public bool Allows(HttpRequest request)
    {
        var origin = request.Headers.Origin.ToString();
        return origin.Length == 0 || IsOwn(origin, request.Host) || Contains(origin);
    }

    // Without the scheme: before a proxy that speaks TLS the page is https and the request is not.
    private static bool IsOwn(string origin, HostString host)
        => host.HasValue && Uri.TryCreate(origin, UriKind.Absolute, out var page) && page.Authority.Equals(Authority(page, host), StringComparison.OrdinalIgnoreCase);

    // As a URI of the page's scheme has it: without the scheme's own port.
    private static string Authority(Uri page, HostString host)
        => Uri.TryCreate($"{page.Scheme}://{host.Value}", UriKind.Absolute, out var own) ? own.Authority : "";

    private static bool IsOrigin(string text)
        => Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Host.Length > 0
            && text.Equals(uri.GetLeftPart(UriPartial.Authority), StringComparison.OrdinalIgnoreCase) && uri.UserInfo.Length == 0;
}
