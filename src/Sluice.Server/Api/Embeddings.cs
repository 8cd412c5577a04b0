namespace Sluice.Server.Api;

/// <summary>What clients of all dialects ask for and this server does not do.</summary>
internal static class Embeddings
{
    public static Task RefuseAsync(HttpContext http)
        => JsonResponse.WriteAsync(http.Response, new ApiError(
            StatusCodes.Status404NotFound,
            $"There are no embeddings here: this server generates text. There is: {ErrorAnswers.RouteNames(http)}.",
            Code: "not_found"));
}
