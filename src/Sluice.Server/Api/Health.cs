namespace Sluice.Server.Api;

/// <summary>Whether the server can answer: 503 until its model is loaded.</summary>
internal static class Health
{
    public static Task GetAsync(HttpContext http, ModelHost models)
    {
        if (models.Engine is not null)
        {
            return JsonResponse.WriteAsync(http.Response, StatusCodes.Status200OK, json =>
            {
                json.WriteStartObject();
                json.WriteString("status"u8, "ok");
                json.WriteEndObject();
            });
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
}
