using System.Text.Json;
using Sluice.Server.Api;
using Sluice.Server.Protocols.Anthropic;
using Sluice.Server.Protocols.Ollama;
using Sluice.Server.Protocols.OpenAi;
using Sluice.Server.Protocols.OpenAi.Responses;
using Sluice.Streams;

namespace Sluice.Server.Protocols;

/// <summary>
/// How a stream is told over HTTP: its events as blocks, and all of it as an answer in one piece. What a dialect writes
/// for an event depends on the stream's header and the event's entry in the log, and on nothing else: it can be
/// written at any time, again, to the same bytes.
/// </summary>
internal abstract class Dialect(StreamHeader header)
{
    // The table of dialects: a name, as `as` and the stream's header have it, and how to make it.
    private static readonly Dictionary<string, Func<StreamHeader, Dialect>> Known = new(StringComparer.Ordinal)
    {
        [ChatDialect.Name] = static header => new ChatDialect(header),
        [TextDialect.Name] = static header => new TextDialect(header),
        [ResponsesDialect.Name] = static header => new ResponsesDialect(header),
        [MessagesDialect.Name] = static header => new MessagesDialect(header),
        [OllamaChatDialect.Name] = static header => new OllamaChatDialect(header),
        [OllamaTextDialect.Name] = static header => new OllamaTextDialect(header),
    };

    /// <summary>The names of all dialects, for error messages.</summary>
    public static string Names { get; } = string.Join(", ", Known.Keys);

    /// <summary>How blocks follow each other on the wire.</summary>
    public virtual Framing Framing => Framing.Sse;

    /// <summary>Why a stream that was asked for in another dialect cannot be told in this one; null where it can.</summary>
    public virtual string? Obstacle
        => TellsManyChoices || Telling.Choices == 1 ? null : $"which tells one answer; this stream has {Telling.Choices}";

    /// <summary>Whether it can tell a stream of several choices.</summary>
    protected virtual bool TellsManyChoices => true;

    /// <summary>What is constant for the stream's life.</summary>
    protected StreamHeader Header => header;

    protected Telling Telling => header.Telling;

    /// <summary>How a stream is told in the dialect of this name; null where there is no such dialect.</summary>
    public static Dialect? Find(string name, StreamHeader header) => Known.TryGetValue(name, out var make) ? make(header) : null;

    /// <summary>How a stream is told in the dialect that it was asked in.</summary>
    public static Dialect Of(StreamHeader header)
        => Find(header.Dialect, header) ?? throw new ArgumentException($"There is no dialect '{header.Dialect}'.", nameof(header));

    /// <summary>Writes what a reader is told of an event: no, one or several blocks.</summary>
    public void Write(in LoggedEvent entry, EventBlocks output)
    {
        output.BeginEvent(Framing, entry.Number);
        WriteEvent(entry, output);
    }

    /// <summary>Writes a block that belongs to no event: what ends this answer and not its stream.</summary>
    public void WriteAside(ApiError error, EventBlocks output)
    {
        output.BeginAside(Framing);
        WriteError(error, output);
    }

    /// <summary>Writes an answer in one piece.</summary>
    public abstract void WriteAnswer(Utf8JsonWriter json, Answer answer);

    /// <summary>Writes a block that keeps a silent connection from being taken for dead, where a comment of the framing does not.</summary>
    public virtual ReadOnlyMemory<byte> KeepAlive => Framing.KeepAlive;

    /// <summary>Writes the blocks of an event. Kinds of events that the dialect does not know are told by none.</summary>
    protected abstract void WriteEvent(in LoggedEvent entry, EventBlocks output);

    /// <summary>Writes an error as the last block that a reader gets.</summary>
    protected abstract void WriteError(ApiError error, EventBlocks output);
}
