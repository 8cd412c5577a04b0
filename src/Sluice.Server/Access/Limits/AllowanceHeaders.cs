namespace Sluice.Server.Access.Limits;

/// <summary>Tells callers with limits, in the head of every answer, how far from them they are.</summary>
internal static class AllowanceHeaders
{
    public static void UseAllowanceHeaders(this IApplicationBuilder app, CallerLimits limits)
        => app.Use(next => http =>
        {
            if (limits.AllowanceOf(Caller.Of(http)) is not null)
            {
                // As it is when the head goes out: this request counted, or refused.
                http.Response.OnStarting(static state =>
                {
                    var (limits, http) = ((CallerLimits, HttpContext))state;
                    limits.AllowanceOf(Caller.Of(http))?.WriteTo(http.Response.Headers);
                    return Task.CompletedTask;
                }, (limits, http));
            }

            return next(http);
        });
}
