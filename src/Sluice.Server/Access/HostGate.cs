using System.Net;
using Sluice.Server.Api;

namespace Sluice.Server.Access;

/// <summary>
/// Keeps strange web pages away from a server on this machine: a page whose name its owner points at 127.0.0.1
/// (DNS rebinding) sends that name as Host.
/// </summary>
internal static class HostGate
{
    /// <summary>Refuses requests that name another host, where <paramref name="bound"/> is a loopback address; elsewhere any name may be right.</summary>
    public static void UseHostGate(this IApplicationBuilder app, IPAddress bound)
    {
        if (!IPAddress.IsLoopback(bound))
        {
            return;
        }

        app.Use(next => http => IsOurs(http.Request.Host.Host, bound)
            ? next(http)
            : JsonResponse.WriteAsync(http.Response, new ApiError(
                StatusCodes.Status403Forbidden,
                "This server answers to localhost only. To serve other names, start it with --host and an address that is not loopback.",
                Code: "host_not_allowed")));
    }

    private static bool IsOurs(string host, IPAddress bound)
        => host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
            || (IPAddress.TryParse(host, out var address)
                && (address.Equals(IPAddress.Loopback) || address.Equals(IPAddress.IPv6Loopback) || address.Equals(bound)));
}
