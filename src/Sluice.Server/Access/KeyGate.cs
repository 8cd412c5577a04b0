using System.Security.Cryptography;
using System.Text;
using Sluice.Server.Api;

namespace Sluice.Server.Access;

/// <summary>Asks for the API key, where the server has one, at every route that is not said to be open.</summary>
internal static class KeyGate
{
    /// <summary>Opens a route to everybody.</summary>
    public static TBuilder WithoutKey<TBuilder>(this TBuilder route)
        where TBuilder : IEndpointConventionBuilder
    {
        route.Add(static endpoint => endpoint.Metadata.Add(Open.Instance));
        return route;
    }

    public static void UseKeyGate(this IApplicationBuilder app, string? apiKey)
    {
        if (apiKey is null)
        {
            return;
        }

        var expected = Hash(apiKey);
        var caller = new Caller(Convert.ToHexString(expected));
        app.Use(next => http =>
        {
            if (HasKey(http.Request, expected))
            {
                http.Features.Set(caller);
                return next(http);
            }

            return IsOpen(http) ? next(http) : RefuseAsync(http.Response);
        });
    }

    private static bool IsOpen(HttpContext http) => http.GetEndpoint()?.Metadata.GetMetadata<Open>() is not null;

    private static bool HasKey(HttpRequest request, byte[] expected)
    {
        const string Scheme = "Bearer ";
        var header = request.Headers.Authorization.ToString();
        var key = header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) ? header[Scheme.Length..].Trim() : "";

        // Hashes have one length, and comparing them takes the same time wherever they differ.
        return CryptographicOperations.FixedTimeEquals(Hash(key), expected);
    }

    private static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));

    private static Task RefuseAsync(HttpResponse response)
    {
        response.Headers.WWWAuthenticate = "Bearer";
        return JsonResponse.WriteAsync(response, new ApiError(
            StatusCodes.Status401Unauthorized, "The API key is missing or wrong; send it as Authorization: Bearer KEY.", Code: "invalid_api_key"));
    }

    private sealed class Open
    {
        public static Open Instance { get; } = new();
    }
}
