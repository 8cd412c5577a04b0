using System.Diagnostics.CodeAnalysis;
using Sluice.Server.Access.Keys;
using Sluice.Server.Api;

namespace Sluice.Server.Access;

/// <summary>Asks for a key, where the server has any, at every route that is not said to be open; whatever the transport, it begins as a request here.</summary>
internal static class KeyGate
{
    /// <summary>What is told to whoever comes without a valid key, or whose key is valid no longer.</summary>
    public static ApiError Refusal { get; } = new(
        StatusCodes.Status401Unauthorized, "The API key is missing or wrong; send it as Authorization: Bearer KEY, or as x-api-key.", Code: "invalid_api_key");

    /// <summary>Opens a route to everybody.</summary>
    public static TBuilder WithoutKey<TBuilder>(this TBuilder route)
        where TBuilder : IEndpointConventionBuilder
    {
        route.Add(static endpoint => endpoint.Metadata.Add(Open.Instance));
        return route;
    }

    public static void UseKeyGate(this IApplicationBuilder app, KeyRing keys, TimeProvider clock)
    {
        if (!keys.IsAsked)
        {
            return;
        }

        app.Use(next => http =>
        {
            if (TryFindCaller(http.Request, keys, out var caller))
            {
                http.Features.Set(caller);
                return ServeAsync(next, http, caller, clock);
            }

            return IsOpen(http) ? next(http) : RefuseAsync(http.Response);
        });
    }

    private static async Task ServeAsync(RequestDelegate next, HttpContext http, Caller caller, TimeProvider clock)
    {
        using var farewell = new Farewell(http, clock, caller.Revoked);
        await next(http);
    }

    private static bool IsOpen(HttpContext http) => http.GetEndpoint()?.Metadata.GetMetadata<Open>() is not null;

    private static bool TryFindCaller(HttpRequest request, KeyRing keys, [NotNullWhen(true)] out Caller? caller)
    {
        foreach (var key in PresentedKeys.Of(request))
        {
            if (keys.TryFind(key, out caller))
            {
                return true;
            }
        }

        caller = null;
        return false;
    }

    private static Task RefuseAsync(HttpResponse response)
    {
        response.Headers.WWWAuthenticate = "Bearer";
        return JsonResponse.WriteAsync(response, Refusal);
    }

    private sealed class Open
    {
        public static Open Instance { get; } = new();
    }
}
