using Sluice.Server.Protocols.Grpc.Calls;

namespace Sluice.Server.Api;

/// <summary>The one place where what no endpoint answered becomes an answer: unknown routes, wrong methods, exceptions.</summary>
internal static partial class ErrorAnswers
{
    public static void UseErrorAnswers(this IApplicationBuilder app, ILogger log)
        => app.Use(next => async http =>
        {
            try
            {
                await next(http);
            }
            catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
            {
                return;
            }
#pragma warning disable CA1031 // Whatever an endpoint did not expect ends here: the client is told, the operator reads the log.
            catch (Exception fault)
#pragma warning restore CA1031
            {
                Unexpected(log, fault, http.Request.Method, http.GetEndpoint()?.DisplayName ?? "no route");
                if (http.Response.HasStarted)
                {
                    // Half an answer must not look like a whole one.
                    http.Abort();
                    return;
                }

                http.Response.Clear();
                await JsonResponse.WriteAsync(http.Response, new ApiError(StatusCodes.Status500InternalServerError, "The server met an unexpected error.", Code: "internal_error"));
                return;
            }

            if (!http.Response.HasStarted && Answer(http) is { } error)
            {
                await JsonResponse.WriteAsync(http.Response, error);
            }
        });

    private static ApiError? Answer(HttpContext http) => http.Response.StatusCode switch
    {
        StatusCodes.Status404NotFound when GrpcCall.IsCall(http.Request) => new ApiError(
            StatusCodes.Status501NotImplemented, $"There is no method {http.Request.Path} here; server reflection tells what there is."),
        StatusCodes.Status404NotFound => new ApiError(
            StatusCodes.Status404NotFound, $"There is no {http.Request.Path} here. There is: {RouteNames(http)}.", Code: "not_found"),
        StatusCodes.Status405MethodNotAllowed => new ApiError(
            StatusCodes.Status405MethodNotAllowed, $"{http.Request.Path} takes {http.Response.Headers.Allow}, not {http.Request.Method}.", Code: "method_not_allowed"),
        _ => null,
    };

    /// <summary>What there is, from the routes themselves, so that the list is never out of date; the page's files are no routes to name.</summary>
    public static string RouteNames(HttpContext http)
        => string.Join(", ", http.RequestServices.GetRequiredService<EndpointDataSource>().Endpoints
            .OfType<RouteEndpoint>()
            .Where(static route => route.Metadata.GetMetadata<IExcludeFromDescriptionMetadata>() is null)
            .Select(route => $"{route.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods[0]} {route.RoutePattern.RawText}")
            .Where(route => !Path.HasExtension(route)));

    [LoggerMessage(Level = LogLevel.Error, Message = "{Method} at {Endpoint} failed")]
    private static partial void Unexpected(ILogger log, Exception fault, string method, string endpoint);
}
