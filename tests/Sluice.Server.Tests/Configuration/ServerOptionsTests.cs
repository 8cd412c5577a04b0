using System.Net;
using Sluice.Engine.Cache;
using Sluice.Server.Configuration;
using Sluice.Streams;
using Sluice.Streams.Storage;

namespace Sluice.Server.Tests.Configuration;

public sealed class ServerOptionsTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sluice-options-");
    private readonly Dictionary<string, string> _flags = [];
    private readonly Dictionary<string, string> _environment = [];

    public ServerOptionsTests() => _flags["model"] = Write("flag.gguf", "");

    [Fact]
    public void NothingSet_GivesTheDefaults()
    {
        var options = Read();

        Assert.Equal((IPAddress.Loopback, 8080, (string?)null), (options.Host, options.Port, options.ApiKey));
        Assert.Equal((null, null, null), (options.Engine.Threads, options.Engine.ContextLength, options.Engine.KvMemoryBytes));
        Assert.Equal(KvType.F16, options.Engine.KvType);
        Assert.Equal(new StreamLimits(), options.Streams);
        Assert.Equal((TimeSpan.FromMilliseconds(50), 1024, 1 << 20), (options.Engine.StepTime, options.Engine.MaxQueuedRequests, options.Engine.MaxQueuedTokens));
    }

    [Fact]
    public void Data_SaysWhereStreamsAreKeptAndWhatThatPromises()
    {
        Assert.Null(Read().Store);
        _flags["data"] = "streams";
        Assert.Equal(new StoreOptions { Folder = Path.GetFullPath("streams") }, Read().Store);
        Assert.Equal(FsyncPolicy.Interval, Read().Store!.Fsync);
        _flags["fsync"] = "always";
        Assert.Equal(FsyncPolicy.Always, Read().Store!.Fsync);
        _flags["fsync"] = "sometimes";
        Assert.Contains("always, interval or never", Assert.Throws<UsageException>(Read).Message, StringComparison.Ordinal);
        _flags["fsync"] = "never";
        _flags["data"] = "";
        Assert.Contains("--data", Assert.Throws<UsageException>(Read).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Flag_WinsOverVariableOverFileOverDefault()
    {
        Write("sluice.json", """{"port": 3, "threads": 3, "context": 3}""");
        _environment["SLUICE_PORT"] = "2";
        _environment["SLUICE_THREADS"] = "2";
        _flags["port"] = "1";
        var options = Read();

        Assert.Equal((1, 2, 3), (options.Port, options.Engine.Threads, options.Engine.ContextLength));
    }

    [Fact]
    public void EverySetting_CanComeFromAVariable()
    {
        _flags.Clear();
        _environment["SLUICE_MODEL"] = Write("variable.gguf", "");
        _environment["SLUICE_HOST"] = "0.0.0.0";
        _environment["SLUICE_PORT"] = "0";
        _environment["SLUICE_THREADS"] = "3";
        _environment["SLUICE_CONTEXT"] = "512";
        _environment["SLUICE_KV_MEMORY"] = "2G";
        _environment["SLUICE_KV_TYPE"] = "Q8_0";
        _environment["SLUICE_STEP_TIME"] = "20";
        _environment["SLUICE_MAX_QUEUE"] = "7";
        _environment["SLUICE_MAX_QUEUE_TOKENS"] = "9000";
        _environment["SLUICE_STREAM_MEMORY"] = "1M";
        _environment["SLUICE_LOG_MEMORY"] = "2M";
        _environment["SLUICE_RETENTION"] = "3";
        _environment["SLUICE_ON_DISCONNECT"] = "cancel";
        _environment["SLUICE_GRACE"] = "0";
        _environment["SLUICE_WINDOW"] = "5";
        _environment["SLUICE_READER_TIMEOUT"] = "6";
        _environment["SLUICE_API_KEY"] = "secret";
        var options = Read();

        Assert.Equal(
            new StreamLimits
            {
                BytesOfOne = 1 << 20,
                BytesOfAll = 2 << 20,
                Retention = TimeSpan.FromSeconds(3),
                OnDisconnect = DisconnectPolicy.Cancel,
                Grace = TimeSpan.Zero,
                Window = 5,
                ReaderTimeout = TimeSpan.FromSeconds(6),
            },
            options.Streams);

        Assert.Equal((IPAddress.Any, 0, "secret"), (options.Host, options.Port, options.ApiKey));
        Assert.Equal((3, 512, 2L << 30, KvType.Q8_0), (options.Engine.Threads, options.Engine.ContextLength, options.Engine.KvMemoryBytes, options.Engine.KvType));
        Assert.Equal((TimeSpan.FromMilliseconds(20), 7, 9000), (options.Engine.StepTime, options.Engine.MaxQueuedRequests, options.Engine.MaxQueuedTokens));
        Assert.EndsWith("variable.gguf", options.Engine.ModelPath, StringComparison.Ordinal);
    }

    [Fact]
    public void EverySetting_CanComeFromANamedFile()
    {
        _flags.Clear();
        var model = Write("file.gguf", "").Replace("\\", "\\\\", StringComparison.Ordinal);
        Write("my.json", $$"""
            {
              // Comments and a last comma are fine in a file that people write.
              "model": "{{model}}", "host": "localhost", "port": "9000", "threads": 1, "context": 64, "kv-memory": "512M", "kv-type": "f32", "step-time": 5, "max-queue": 1, "max-queue-tokens": 2, "api-key": "k",
            }
            """);
        _environment["SLUICE_CONFIG"] = "my.json";
        var options = Read();

        Assert.Equal((IPAddress.Loopback, 9000, "k"), (options.Host, options.Port, options.ApiKey));
        Assert.Equal((1, 64, 512L << 20, KvType.F32), (options.Engine.Threads, options.Engine.ContextLength, options.Engine.KvMemoryBytes, options.Engine.KvType));
        Assert.Equal((TimeSpan.FromMilliseconds(5), 1, 2), (options.Engine.StepTime, options.Engine.MaxQueuedRequests, options.Engine.MaxQueuedTokens));
    }

    [Theory]
    [InlineData("port", "http", "--port is 'http'; it must be an integer from 0 to 65535.")]
    [InlineData("port", "65536", "--port is '65536'")]
    [InlineData("port", "-1", "--port is '-1'")]
    [InlineData("threads", "0", "--threads is '0'; it must be an integer from 1 to 1024.")]
    [InlineData("context", "1.5", "--context is '1.5'")]
    [InlineData("kv-memory", "lots", "--kv-memory is 'lots'; it must be a size such as 512M or 2G.")]
    [InlineData("kv-type", "q4_0", "--kv-type is 'q4_0'; it must be f16, f32 or q8_0.")]
    [InlineData("step-time", "0", "--step-time is '0'; it must be an integer from 1 to 60000.")]
    [InlineData("max-queue", "0", "--max-queue is '0'")]
    [InlineData("max-queue-tokens", "many", "--max-queue-tokens is 'many'")]
    [InlineData("stream-memory", "1K", "--stream-memory is '1K'; it must be a size such as 512M or 2G, and at least 64K.")]
    [InlineData("log-memory", "none", "--log-memory is 'none'")]
    [InlineData("retention", "0", "--retention is '0'; it must be an integer from 1 to 2592000.")]
    [InlineData("on-disconnect", "panic", "--on-disconnect is 'panic'; it must be pause, cancel or continue.")]
    [InlineData("grace", "-1", "--grace is '-1'")]
    [InlineData("window", "0", "--window is '0'")]
    [InlineData("reader-timeout", "0", "--reader-timeout is '0'")]
    [InlineData("host", "example.com", "--host is 'example.com'; it must be an address of this machine")]
    [InlineData("api-key", "two words", "--api-key must be ASCII characters without spaces")]
    [InlineData("api-key", "", "--api-key must be ASCII characters without spaces")]
    [InlineData("key-file", "nowhere.json", "--key-file is 'nowhere.json', which is no file; it must be the path of a JSON file with keys")]
    [InlineData("allow-host", "https://models.example", "--allow-host is 'https://models.example'; it must be host names without scheme or port")]
    [InlineData("allow-host", "models.example:80", "--allow-host is 'models.example:80'")]
    [InlineData("allow-host", " , ", "--allow-host is ' , '")]
    [InlineData("cors", "https://chat.example/", "--cors has 'https://chat.example/'; an origin is a scheme, a host and perhaps a port and nothing else")]
    [InlineData("cors", "https://one.example, chat.example", "--cors has 'chat.example'")]
    [InlineData("cors", "", "--cors has ''")]
    [InlineData("model", "nowhere.gguf", "--model is 'nowhere.gguf', which is no file")]
    [InlineData("config", "nowhere.json", "The settings file nowhere.json does not exist.")]
    public void WrongFlag_IsOneSentenceThatNamesIt(string name, string value, string says)
    {
        _flags[name] = value;

        var fault = Assert.Throws<UsageException>(Read);
        Assert.StartsWith(says, fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', fault.Message);
    }

    [Fact]
    public void List_ComesWithCommasOrAsAnArray()
    {
        _flags["allow-host"] = "one.example, two.example";
        _environment["SLUICE_CORS"] = "*";
        Assert.Equal(["one.example", "two.example"], Read().AllowedHosts);
        Assert.True(Read().Cors.IsAny);

        _flags.Remove("allow-host");
        Write("sluice.json", """{"allow-host": ["three.example", "*"], "key-file": "KEYS"}""".Replace("KEYS", Write("keys.json", "").Replace("\\", "\\\\", StringComparison.Ordinal), StringComparison.Ordinal));
        Assert.Equal(["three.example", "*"], Read().AllowedHosts);
        Assert.EndsWith("keys.json", Read().KeyFile, StringComparison.Ordinal);
        Assert.True(Read().AsksForKey);
    }

    [Fact]
    public void WrongVariable_IsNamedAsAVariable()
    {
        _environment["SLUICE_KV_MEMORY"] = "x";

        Assert.StartsWith("SLUICE_KV_MEMORY is 'x'", Assert.Throws<UsageException>(Read).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"port": "x"}""", "port in sluice.json is 'x'")]
    [InlineData("""{"port": [1]}""", "port in sluice.json must be a string or a number.")]
    [InlineData("""{"cors": [1]}""", "cors in sluice.json must be a string or an array of strings.")]
    [InlineData("""{"prot": 1}""", "sluice.json has 'prot', which is no setting; the settings are model, threads, ")]
    [InlineData("[1]", "sluice.json must be a JSON object")]
    [InlineData("{\n  \"port\": }", "sluice.json is not valid JSON (line 2")]
    public void WrongFile_IsNamedWithTheKey(string json, string says)
    {
        Write("sluice.json", json);

        Assert.StartsWith(says, Assert.Throws<UsageException>(Read).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1048576", 1048576L)]
    [InlineData("512M", 512L << 20)]
    [InlineData("512 mb", 512L << 20)]
    [InlineData("2GiB", 2L << 30)]
    [InlineData("1.5k", 1536L)]
    [InlineData("8T", 8L << 40)]
    public void Size_IsReadWithItsUnit(string text, long bytes)
    {
        Assert.True(ByteSize.TryParse(text, out var read));
        Assert.Equal(bytes, read);
    }

    [Theory]
    [InlineData("")]
    [InlineData("G")]
    [InlineData("0")]
    [InlineData("-1G")]
    [InlineData("1E")]
    [InlineData("1GG")]
    [InlineData("99999999999T")]
    [InlineData("99999999999999999999999999999999999")]
    public void SizeThatIsNone_IsRefused(string text) => Assert.False(ByteSize.TryParse(text, out _));

    public void Dispose() => _folder.Delete(recursive: true);

    private ServerOptions Read() => ServerOptions.From(SettingValues.Gather(
        setting => _flags.GetValueOrDefault(setting.Name), name => _environment.GetValueOrDefault(name), _folder.FullName));

    private string Write(string name, string text)
    {
        var path = Path.Combine(_folder.FullName, name);
        File.WriteAllText(path, text);
        return path;
    }
}
