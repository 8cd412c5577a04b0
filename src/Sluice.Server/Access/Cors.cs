using Microsoft.Extensions.Primitives;
using Sluice.Server.Access.Limits;
using Sluice.Server.Api;

namespace Sluice.Server.Access;

/// <summary>
/// Lets web pages of other origins use the server, where it was told which (the Fetch standard's CORS protocol).
/// Credentials that a browser adds by itself are never allowed: keys are sent in headers, by whoever knows them.
/// </summary>
internal static class Cors
{
    /// <summary>How long a browser may go by a preflight's answer, in seconds; Chromium's longest.</summary>
    private const string PreflightAge = "7200";

    private const string Methods = "GET, HEAD, POST, DELETE";

    private static readonly string ExposedHeaders = string.Join(
        ", ", [GenerationAnswers.StreamHeaderName, "Location", "Retry-After", JsonResponse.RetryAfterMilliseconds, .. Allowance.HeaderNames]);

    public static void UseCors(this IApplicationBuilder app, AllowedOrigins origins)
    {
        if (origins.IsEmpty)
        {
            return;
        }

        app.Use(next => http =>
        {
            var origin = http.Request.Headers.Origin.ToString();
            if (!origins.IsAny)
            {
                http.Response.OnStarting(static headers => AddVaryAsync((IHeaderDictionary)headers), http.Response.Headers);
            }

            if (origin.Length == 0 || !origins.Contains(origin))
            {
                return next(http);
            }

            var allowed = origins.IsAny ? "*" : origin;
            if (IsPreflight(http.Request))
            {
                AnswerPreflight(http, allowed);
                return Task.CompletedTask;
            }

            // When the head goes out: an answer that an error replaced has them too.
            http.Response.OnStarting(static state =>
            {
                var (headers, allowed) = ((IHeaderDictionary, string))state;
                headers.AccessControlAllowOrigin = allowed;
                headers.AccessControlExposeHeaders = ExposedHeaders;
                return Task.CompletedTask;
            }, (http.Response.Headers, allowed));
            return next(http);
        });
    }

    private static bool IsPreflight(HttpRequest request)
        => HttpMethods.IsOptions(request.Method) && !StringValues.IsNullOrEmpty(request.Headers.AccessControlRequestMethod);

    private static void AnswerPreflight(HttpContext http, string allowed)
    {
        var headers = http.Response.Headers;
        headers.AccessControlAllowOrigin = allowed;
        headers.AccessControlAllowMethods = Methods;
        headers.AccessControlMaxAge = PreflightAge;

        // Whatever headers the page wants to send: SDKs send many of their own, and the origin is what is trusted.
        if (http.Request.Headers.AccessControlRequestHeaders is { Count: > 0 } asked)
        {
            headers.AccessControlAllowHeaders = asked;
        }

        http.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    /// <summary>Caches must not give one origin's answer to another.</summary>
    private static Task AddVaryAsync(IHeaderDictionary headers)
    {
        headers.Vary = StringValues.Concat(headers.Vary, "Origin");
        return Task.CompletedTask;
    }
}
