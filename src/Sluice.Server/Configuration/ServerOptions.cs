using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using Sluice.Engine;
using Sluice.Engine.Cache;
using Sluice.Server.Access;
using Sluice.Server.Protocols.WebSocket;
using Sluice.Streams;
using Sluice.Streams.Storage;

namespace Sluice.Server.Configuration;

/// <summary>What the server was started with: an immutable snapshot in which every value is possible.</summary>
internal sealed record ServerOptions
{
    private static readonly EngineOptions EngineDefaults = new() { ModelPath = "" };

    public required EngineOptions Engine { get; init; }

    public StreamLimits Streams { get; init; } = new();

    public SocketLimits Sockets { get; init; } = new();

    /// <summary>Where streams are kept beyond the process; null keeps them in memory only.</summary>
    public StoreOptions? Store { get; init; }

    public IPAddress Host { get; init; } = IPAddress.Loopback;

    /// <summary>The port to listen at; 0 takes a free one.</summary>
    public int Port { get; init; } = 8080;

    /// <summary>The port for gRPC in clear text; 0 takes a free one, null has none.</summary>
    public int? GrpcPort { get; init; }

    /// <summary>What TLS is spoken with; null speaks none.</summary>
    public TlsCertificate? Tls { get; init; }

    /// <summary>The key to ask every client for; null asks for none.</summary>
    public string? ApiKey { get; init; }

    /// <summary>The file that names the keys of several callers; null where there is none.</summary>
    public string? KeyFile { get; init; }

    /// <summary>Host names to answer to, beside those that go without saying.</summary>
    public ImmutableArray<string> AllowedHosts { get; init; } = [];

    /// <summary>Origins whose pages may use the server.</summary>
    public AllowedOrigins Cors { get; init; } = AllowedOrigins.None;

    /// <summary>Whether callers need a key.</summary>
    public bool AsksForKey => ApiKey is not null || KeyFile is not null;

    /// <summary>How long running generations may go on when the server is told to end.</summary>
    public TimeSpan Drain { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a step of the engine may take before the server takes it for hanging, and ends.</summary>
    public TimeSpan StepTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <exception cref="UsageException">A value cannot be.</exception>
    public static ServerOptions From(SettingValues values) => new()
    {
        Engine = EngineOptionsFrom(values),
        Streams = StreamLimitsFrom(values),
        Store = StoreOptionsFrom(values),
        Host = values.Find(Setting.Host) is { } host ? ParseHost(host.Value, host.Source) : IPAddress.Loopback,
        Port = ParseInteger(values, Setting.Port, 0, IPEndPoint.MaxPort) ?? 8080,
        GrpcPort = ParseGrpcPort(values),
        Tls = TlsCertificate.From(values),
        StepTimeout = ParseSeconds(values, Setting.StepTimeout, least: 1) ?? TimeSpan.FromSeconds(60),
        Drain = ParseSeconds(values, Setting.Drain, least: 0) ?? TimeSpan.FromSeconds(30),
        ApiKey = values.Find(Setting.ApiKey) is { } key ? ParseKey(key.Value, key.Source) : null,
        KeyFile = values.Find(Setting.KeyFile) is { } file ? ParseKeyFile(file.Value, file.Source) : null,
        AllowedHosts = values.Find(Setting.AllowHost) is { } hosts ? ParseHostNames(hosts.Value, hosts.Source) : [],
        Cors = values.Find(Setting.Cors) is { } origins ? ParseOrigins(origins.Value, origins.Source) : AllowedOrigins.None,
    };

    /// <summary>The part that commands without a server need too.</summary>
    /// <exception cref="UsageException">A value cannot be.</exception>
    public static EngineOptions EngineOptionsFrom(SettingValues values) => new()
    {
        ModelPath = ModelPathFrom(values),
        Threads = ParseInteger(values, Setting.Threads, 1, 1024),
        ContextLength = ParseInteger(values, Setting.Context, 1, int.MaxValue),
        KvMemoryBytes = ParseSize(values, Setting.KvMemory, least: 1),
        KvType = values.Find(Setting.KvType) is { } type ? ParseKvType(type.Value, type.Source) : KvType.F16,
        StepTime = ParseInteger(values, Setting.StepTime, 1, 60_000) is { } step ? TimeSpan.FromMilliseconds(step) : EngineDefaults.StepTime,
        MaxQueuedRequests = ParseInteger(values, Setting.MaxQueue, 1, int.MaxValue) ?? EngineDefaults.MaxQueuedRequests,
        MaxQueuedTokens = ParseInteger(values, Setting.MaxQueueTokens, 1, int.MaxValue) ?? EngineDefaults.MaxQueuedTokens,
    };

    /// <summary>The model's file, which exists.</summary>
    /// <exception cref="UsageException">There is no such file.</exception>
    public static string ModelPathFrom(SettingValues values)
        => values.Find(Setting.Model) is { } model ? ParseModel(model.Value, model.Source) : ShippedModel.Find();

    private static StreamLimits StreamLimitsFrom(SettingValues values)
    {
        var defaults = new StreamLimits();
        return new StreamLimits
        {
            BytesOfOne = ParseSize(values, Setting.StreamMemory, least: 64 << 10) ?? defaults.BytesOfOne,
            BytesOfAll = ParseSize(values, Setting.LogMemory, least: 1 << 20) ?? defaults.BytesOfAll,
            Retention = ParseSeconds(values, Setting.Retention, least: 1) ?? defaults.Retention,
            OnDisconnect = values.Find(Setting.OnDisconnect) is not { } policy ? defaults.OnDisconnect
                : DisconnectPolicies.TryParse(policy.Value, out var named) ? named
                : throw new UsageException($"{policy.Source} is '{policy.Value}'; it must be {DisconnectPolicies.Names}."),
            Grace = ParseSeconds(values, Setting.Grace, least: 0) ?? defaults.Grace,
            Window = ParseInteger(values, Setting.Window, 1, int.MaxValue) ?? defaults.Window,
            ReaderTimeout = ParseSeconds(values, Setting.ReaderTimeout, least: 1) ?? defaults.ReaderTimeout,
        };
    }

    private static int? ParseGrpcPort(SettingValues values)
    {
        var port = ParseInteger(values, Setting.GrpcPort, 0, IPEndPoint.MaxPort);
        if (port is not null && values.Find(Setting.TlsCert) is not null)
        {
            throw new UsageException($"{Setting.GrpcPort.Flag} is a port in clear text, for servers without TLS; with {Setting.TlsCert.Flag} gRPC is at {Setting.Port.Flag}. Leave one of them out.");
        }

        return port is > 0 && port == (ParseInteger(values, Setting.Port, 0, IPEndPoint.MaxPort) ?? 8080)
            ? throw new UsageException($"{Setting.GrpcPort.Flag} and {Setting.Port.Flag} are both {port}; without TLS gRPC needs a port of its own.")
            : port;
    }

    private static TimeSpan? ParseSeconds(SettingValues values, Setting setting, int least)
        => ParseInteger(values, setting, least, 86_400 * 30) is { } seconds ? TimeSpan.FromSeconds(seconds) : null;

    private static long? ParseSize(SettingValues values, Setting setting, long least)
        => values.Find(setting) is not var (value, source) ? null
            : ByteSize.TryParse(value, out var bytes) && bytes >= least ? bytes
            : throw new UsageException($"{source} is '{value}'; it must be a size such as 512M or 2G{(least > 1 ? $", and at least {least >> 10}K" : "")}.");

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

    private static StoreOptions? StoreOptionsFrom(SettingValues values)
    {
        var fsync = values.Find(Setting.Fsync) is { } policy ? ParseFsync(policy.Value, policy.Source) : FsyncPolicy.Interval;
        return values.Find(Setting.Data) is not var (folder, source) ? null
            : folder.Length > 0 ? new StoreOptions { Folder = Path.GetFullPath(folder), Fsync = fsync }
            : throw new UsageException($"{source} is empty; it must be a folder.");
    }

    private static FsyncPolicy ParseFsync(string value, string source) => value switch
    {
        "always" => FsyncPolicy.Always,
        "interval" => FsyncPolicy.Interval,
        "never" => FsyncPolicy.Never,
        _ => throw new UsageException($"{source} is '{value}'; it must be always, interval or never."),
    };

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

    private static string ParseKeyFile(string value, string source)
        => File.Exists(value) ? value : throw new UsageException($"{source} is '{value}', which is no file; it must be the path of a JSON file with keys, such as {{\"keys\": []}}.");

    private static ImmutableArray<string> ParseHostNames(string value, string source)
    {
        var names = value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return names.Length > 0 && names.All(static name => name == HostGate.AnyName || Uri.CheckHostName(name) != UriHostNameType.Unknown)
            ? [.. names]
            : throw new UsageException($"{source} is '{value}'; it must be host names without scheme or port, such as models.example, or * for any.");
    }

    private static AllowedOrigins ParseOrigins(string value, string source)
        => AllowedOrigins.TryParse(value, out var origins, out var wrong)
            ? origins
            : throw new UsageException($"{source} has '{wrong}'; an origin is a scheme, a host and perhaps a port and nothing else, such as https://chat.example or http://localhost:3000, or * for any.");

    private static string ParseModel(string value, string source)
        => File.Exists(value) ? value : throw new UsageException($"{source} is '{value}', which is no file; it must be the path of a GGUF model.");
}
