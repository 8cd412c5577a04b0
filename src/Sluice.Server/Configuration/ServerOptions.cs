using System.Globalization;
using System.Net;
using Sluice.Engine;
using Sluice.Engine.Cache;

namespace Sluice.Server.Configuration;

/// <summary>What the server was started with: an immutable snapshot in which every value is possible.</summary>
internal sealed record ServerOptions
{
    private static readonly EngineOptions EngineDefaults = new() { ModelPath = "" };

    public required EngineOptions Engine { get; init; }

    public required IPAddress Host { get; init; }

    public required int Port { get; init; }

    public required string? ApiKey { get; init; }

    /// <exception cref="UsageException">A value cannot be.</exception>
    public static ServerOptions From(SettingValues values) => new()
    {
        Engine = EngineOptionsFrom(values),
        Host = values.Find(Setting.Host) is { } host ? ParseHost(host.Value, host.Source) : IPAddress.Loopback,
        Port = ParseInteger(values, Setting.Port, 0, IPEndPoint.MaxPort) ?? 8080,
        ApiKey = values.Find(Setting.ApiKey) is { } key ? ParseKey(key.Value, key.Source) : null,
    };

    /// <summary>The part that commands without a server need too.</summary>
    /// <exception cref="UsageException">A value cannot be.</exception>
    public static EngineOptions EngineOptionsFrom(SettingValues values) => new()
    {
        ModelPath = ModelPathFrom(values),
        Threads = ParseInteger(values, Setting.Threads, 1, 1024),
        ContextLength = ParseInteger(values, Setting.Context, 1, int.MaxValue),
        KvMemoryBytes = values.Find(Setting.KvMemory) is not { } memory ? null
            : ByteSize.TryParse(memory.Value, out var bytes) ? bytes
            : throw new UsageException($"{memory.Source} is '{memory.Value}'; it must be a size such as 512M or 2G."),
        KvType = values.Find(Setting.KvType) is { } type ? ParseKvType(type.Value, type.Source) : KvType.F16,
        StepTime = ParseInteger(values, Setting.StepTime, 1, 60_000) is { } step ? TimeSpan.FromMilliseconds(step) : EngineDefaults.StepTime,
        MaxQueuedRequests = ParseInteger(values, Setting.MaxQueue, 1, int.MaxValue) ?? EngineDefaults.MaxQueuedRequests,
        MaxQueuedTokens = ParseInteger(values, Setting.MaxQueueTokens, 1, int.MaxValue) ?? EngineDefaults.MaxQueuedTokens,
    };

    /// <summary>The model's file, which exists.</summary>
    /// <exception cref="UsageException">There is no such file.</exception>
    public static string ModelPathFrom(SettingValues values)
        => values.Find(Setting.Model) is { } model ? ParseModel(model.Value, model.Source) : ShippedModel.Find();

    private static int? ParseInteger(SettingValues values, Setting setting, int low, int high)
    {
        if (values.Find(setting) is not var (value, source))
        {
            return null;
        }

        return int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= low && number <= high
            ? number
            : throw new UsageException($"{source} is '{value}'; it must be an integer from {low} to {high}.");
    }

    private static KvType ParseKvType(string value, string source) => value.ToUpperInvariant() switch
    {
        nameof(KvType.F16) => KvType.F16,
        nameof(KvType.F32) => KvType.F32,
        nameof(KvType.Q8_0) => KvType.Q8_0,
        _ => throw new UsageException($"{source} is '{value}'; it must be f16, f32 or q8_0."),
    };

    private static IPAddress ParseHost(string value, string source) => value switch
    {
        "localhost" => IPAddress.Loopback,
        "*" => IPAddress.Any,
        _ => IPAddress.TryParse(value.Trim('[', ']'), out var address)
            ? address
            : throw new UsageException($"{source} is '{value}'; it must be an address of this machine such as 127.0.0.1, or 0.0.0.0 for all of them."),
    };

    private static string ParseKey(string value, string source)
        => value.Length > 0 && value.All(character => char.IsBetween(character, '!', '~'))
            ? value
            : throw new UsageException($"{source} must be ASCII characters without spaces, at least one, because it is sent in a header.");

    private static string ParseModel(string value, string source)
        => File.Exists(value) ? value : throw new UsageException($"{source} is '{value}', which is no file; it must be the path of a GGUF model.");
}
