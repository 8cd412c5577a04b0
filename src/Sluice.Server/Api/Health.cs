using Sluice.Server.Shutdown;

namespace Sluice.Server.Api;

/// <summary>Whether the server takes requests: 503 until its model is loaded, from the moment that it drains, and where its engine does not work.</summary>
internal static class Health
{
    public static Task GetAsync(HttpContext http, ModelHost models, Drain drain, Watchdog watchdog)
    {
        if (watchdog.Trouble is { } trouble)
        {
            return WriteAsync(http.Response, StatusCodes.Status503ServiceUnavailable, "unhealthy", trouble);
        }

        if (drain.Began.IsCancellationRequested)
        {
            return WriteAsync(http.Response, StatusCodes.Status503ServiceUnavailable, "draining");
        }

        if (models.Engine is not null)
        {
            return WriteAsync(http.Response, StatusCodes.Status200OK, "ok");
        }

        var progress = models.Progress;
        return JsonResponse.WriteAsync(http.Response, StatusCodes.Status503ServiceUnavailable, json =>
        {
            json.WriteStartObject();
            json.WriteString("status"u8, "loading");
            json.WriteNumber("progress"u8, Math.Round(progress.Fraction, 3));
            json.WriteString("activity"u8, progress.Activity);
            json.WriteEndObject();
        });
    }

    private static Task WriteAsync(HttpResponse response, int statusCode, string status, string? reason = null)
        => JsonResponse.WriteAsync(response, statusCode, json =>
        {
            json.WriteStartObject();
            json.WriteString("status"u8, status);
            if (reason is not null)
            {
                json.WriteString("reason"u8, reason);
            }

            json.WriteEndObject();
        });
}
