namespace Sluice.Server.Configuration;

/// <summary>One thing that can be set: by a flag, an environment variable or a key of the settings file, in this order of precedence.</summary>
/// <param name="Name">The flag without its dashes, and the key in the settings file.</param>
/// <param name="ValueName">What the value is, for the help text.</param>
/// <param name="Description">What it does, for the help text.</param>
internal sealed record Setting(string Name, string ValueName, string Description)
{
    /// <summary>Whether it takes several values: separated by commas, as a flag that is repeated, as an array in the settings file.</summary>
    public bool IsList { get; private init; }

    public static readonly Setting Config = new("config", "FILE", "Read settings from this JSON file (default: sluice.json in the working directory, where there is one)");

    public static readonly Setting Model = new("model", "PATH", "The model, a GGUF file (default: the one that comes with Sluice)");

    public static readonly Setting Threads = new("threads", "N", "Threads that compute (default: one for each processor)");

    public static readonly Setting Context = new("context", "TOKENS", "Most tokens of one sequence, prompt and answer together (default: what the model was trained for)");

    public static readonly Setting KvMemory = new("kv-memory", "BYTES", "Memory for keys and values of all sequences, such as 512M or 2G");

    public static readonly Setting KvType = new("kv-type", "TYPE", "What keys and values are kept as: f16, f32 or q8_0 (default: f16)");

    public static readonly Setting StepTime = new("step-time", "MS", "How long running answers may wait for a part of a new prompt, in milliseconds (default: 50)");

    public static readonly Setting MaxQueue = new("max-queue", "N", "Most requests that wait for their turn; more are answered 429 (default: 1024)");

    public static readonly Setting MaxQueueTokens = new("max-queue-tokens", "TOKENS", "Most prompt tokens of waiting requests; more are answered 429 (default: 1048576)");

    public static readonly Setting Host = new("host", "ADDRESS", "The address to listen at (default: 127.0.0.1)");

    public static readonly Setting Port = new("port", "PORT", "The port to listen at; 0 takes a free one (default: 8080)");

    public static readonly Setting GrpcPort = new("grpc-port", "PORT", "A port for gRPC in clear text; with TLS it is at --port (default: none)");

    public static readonly Setting TlsCert = new("tls-cert", "FILE", "The certificate for TLS, as PEM, with its chain; then HTTP/1.1, HTTP/2 and gRPC are all at --port");

    public static readonly Setting TlsKey = new("tls-key", "FILE", "The private key of --tls-cert, as PEM");

    public static readonly Setting ApiKey = new("api-key", "KEY", "The key that clients must send; better set by environment variable or file, where other users cannot see it");

    public static readonly Setting KeyFile = new("key-file", "PATH", "A JSON file with the keys of several clients, by their hashes, and what each may use; read again when it changes ('sluice key' makes keys)");

    public static readonly Setting AllowHost = new("allow-host", "NAME", "A host name to answer to, beside localhost and the address; * for any (default: any, but where only this machine reaches the server)") { IsList = true };

    public static readonly Setting Cors = new("cors", "ORIGIN", "An origin whose web pages may use the server, such as https://chat.example; * for any (default: none)") { IsList = true };

    public static readonly Setting StreamMemory = new("stream-memory", "BYTES", "Memory for the events of one stream; the oldest are dropped beyond it (default: 16M)");

    public static readonly Setting LogMemory = new("log-memory", "BYTES", "Memory for the events of all streams; ended streams are forgotten beyond it (default: 256M)");

    public static readonly Setting Retention = new("retention", "SECONDS", "How long a stream can be read after its end (default: 300)");

    public static readonly Setting OnDisconnect = new("on-disconnect", "POLICY", "What becomes of an answer whose reader is gone: pause, cancel or continue (default: pause)");

    public static readonly Setting Grace = new("grace", "SECONDS", "How long a paused answer waits for a reader before it is cancelled (default: 30)");

    public static readonly Setting Window = new("window", "TOKENS", "How far an answer may be ahead of its fastest reader before it pauses (default: 256)");

    public static readonly Setting ReaderTimeout = new("reader-timeout", "SECONDS", "How long a reader may take nothing of what waits for it before it is cut off (default: 60)");

    public static readonly Setting StepTimeout = new("step-timeout", "SECONDS", "How long a step of the engine may take before the server takes it for hanging and ends with exit code 70 (default: 60)");

    public static readonly Setting Drain = new("drain", "SECONDS", "How long running answers may go on when the server is told to end; a second signal ends it at once (default: 30)");

    public static readonly Setting Data = new("data", "DIR", "Keep streams in this folder, so that they outlive the process; unfinished answers go on after a restart (default: in memory only)");

    public static readonly Setting Fsync = new("fsync", "POLICY", "When streams in --data are forced onto the disk, against power failures: always (before anybody reads), interval (every 100 ms) or never (default: interval)");

    /// <summary>What an engine is made with.</summary>
    public static readonly Setting[] OfEngine = [Model, Threads, Context, KvMemory, KvType];

    /// <summary>What a server is made with, an engine included.</summary>
    public static readonly Setting[] OfServer = [.. OfEngine, StepTime, MaxQueue, MaxQueueTokens, StreamMemory, LogMemory, Retention, Data, Fsync, OnDisconnect, Grace, Window, ReaderTimeout, StepTimeout, Drain, Host, Port, GrpcPort, TlsCert, TlsKey, ApiKey, KeyFile, AllowHost, Cors];

    /// <summary>Several values as the one text that a list is read from.</summary>
    public static string Join(IEnumerable<string> values) => string.Join(',', values);

    public string Flag => "--" + Name;

    public string Variable => "SLUICE_" + Name.ToUpperInvariant().Replace('-', '_');
}
