using System.Collections.Immutable;
using System.Net;
using Sluice.Server.Api;

namespace Sluice.Server.Access;

/// <summary>
/// Keeps strange web pages away from a server that only this machine or this network reaches: a page whose name its owner
/// points at the server's address (DNS rebinding) sends that name as Host.
/// </summary>
internal static class HostGate
{
    /// <summary>Any name at all, in the list of allowed ones.</summary>
    public const string AnyName = "*";

    /// <summary>
    /// Refuses requests that name another host than <c>localhost</c>, the address that they came to, or one of
    /// <paramref name="allowed"/>. Where none is allowed expressly and <paramref name="bound"/> is not a loopback address, any name may be right.
    /// </summary>
    public static void UseHostGate(this IApplicationBuilder app, IPAddress bound, ImmutableArray<string> allowed)
    {
        if (allowed.Contains(AnyName) || (allowed.IsEmpty && !IPAddress.IsLoopback(bound)))
        {
            return;
        }

        app.Use(next => http => IsOurs(http, bound, allowed)
            ? next(http)
            : JsonResponse.WriteAsync(http.Response, new ApiError(
                StatusCodes.Status403Forbidden,
                "This server does not answer to this host name. To have it answer to one, start it with --allow-host NAME.",
                Code: "host_not_allowed")));
    }

    private static bool IsOurs(HttpContext http, IPAddress bound, ImmutableArray<string> allowed)
    {
        var host = http.Request.Host.Host;
        return host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
            || allowed.Contains(host, StringComparer.OrdinalIgnoreCase)
            || (IPAddress.TryParse(host, out var address)
                && (address.Equals(IPAddress.Loopback) || address.Equals(IPAddress.IPv6Loopback) || address.Equals(bound)
                    || IsSame(address, http.Connection.LocalIpAddress)));
    }

    // A socket for both families has addresses of version 4 as those of version 6.
    private static bool IsSame(IPAddress named, IPAddress? reached)
        => reached is not null && !IPAddress.IsLoopback(reached) && named.MapToIPv6().Equals(reached.MapToIPv6());
}
