using Sluice.Server.Access.Limits;
using Sluice.Server.Configuration;
using Sluice.Streams;

namespace Sluice.Server.Access.Keys;

/// <summary>The keys of a server put together: where they come from, who asks for them, what ends when one is taken away.</summary>
internal static class ServerKeys
{
    /// <exception cref="UsageException">The key file is not what it must be.</exception>
    public static void AddServerKeys(this IServiceCollection services, ServerOptions options)
    {
        var file = options.KeyFile is { } path ? KeyFile.ReadBytes(path) : null;
        var keys = KeyRing.Of(options.ApiKey, file is null ? null : KeyFile.Parse(options.KeyFile!, file));
        services.AddSingleton(keys);
        services.AddSingleton<CallerLimits>();
        if (file is not null)
        {
            services.AddSingleton(provider => new KeyFileWatch(
                options.KeyFile!,
                file,
                entries => keys.Replace(options.ApiKey, entries),
                provider.GetRequiredService<TimeProvider>(),
                provider.GetRequiredService<ILoggerFactory>().CreateLogger("Sluice.Keys")));
        }
    }

    /// <summary>Asks for keys from here on, and begins to look after their file.</summary>
    public static void UseServerKeys(this WebApplication app)
    {
        var keys = app.Services.GetRequiredService<KeyRing>();
        var streams = app.Services.GetRequiredService<StreamRegistry>();
        keys.CallerRemoved = name =>
        {
            foreach (var stream in streams.Of(name))
            {
                stream.Stop(StopCause.Revoked);
            }
        };
        app.UseKeyGate(keys, app.Services.GetRequiredService<TimeProvider>());
        app.UseAllowanceHeaders(app.Services.GetRequiredService<CallerLimits>());
        _ = app.Services.GetService<KeyFileWatch>();
    }
}
