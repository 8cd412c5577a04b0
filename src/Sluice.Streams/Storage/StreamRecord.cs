using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Sluice.Streams.Storage;

/// <summary>What a record says of its stream.</summary>
internal enum RecordKind : byte
{
    /// <summary>That it is there, and all that is constant of it.</summary>
    Opened = 1,

    /// <summary>Its next event.</summary>
    Event = 2,

    /// <summary>That somebody stopped it; its end follows.</summary>
    Stopped = 3,

    /// <summary>That it is kept no longer: what other records say of it means nothing any more.</summary>
    Forgotten = 4,
}

/// <summary>All that is constant of a stream.</summary>
internal sealed record OpenedRecord(StreamHeader Header, DisconnectPolicy OnDisconnect, IdempotencyKey? Key);

/// <summary>Whose a forgotten stream was, so that its readers are told what became of it.</summary>
internal sealed record ForgottenRecord(StreamId Id, string Owner);

/// <summary>
/// The payload of records: the kind, the stream's number in this store (u64, little-endian), and what the kind adds:
/// <code>
/// opened     length of JSON i32   JSON of <see cref="OpenedRecord"/>   the request, in the server's own words
/// event      event number i64     milliseconds since 1970 i64          JSON of <see cref="StreamEvent"/>
/// stopped    JSON of <see cref="StopCause"/>
/// forgotten  JSON of <see cref="ForgottenRecord"/>
/// </code>
/// JSON, so that what events gain later can be read beside what was written before. Safe for one thread at a time.
/// </summary>
internal sealed class RecordWriter : IDisposable
{
    private readonly ArrayBufferWriter<byte> _json = new(4096);
    private readonly Utf8JsonWriter _writer;

    public RecordWriter() => _writer = new Utf8JsonWriter(_json, new JsonWriterOptions { SkipValidation = true });

    public void Opened(IBufferWriter<byte> output, long stream, OpenedRecord opened, ReadOnlySpan<byte> request)
    {
        Begin(output, RecordKind.Opened, stream);
        var json = Json(opened, StorageJson.Default.OpenedRecord);
        BinaryPrimitives.WriteInt32LittleEndian(output.GetSpan(4), json.Length);
        output.Advance(4);
        output.Write(json);
        output.Write(request);
    }

    public void Event(IBufferWriter<byte> output, long stream, long number, DateTimeOffset time, StreamEvent streamEvent)
    {
        Begin(output, RecordKind.Event, stream);
        var span = output.GetSpan(16);
        BinaryPrimitives.WriteInt64LittleEndian(span, number);
        BinaryPrimitives.WriteInt64LittleEndian(span[8..], time.ToUnixTimeMilliseconds());
        output.Advance(16);
        output.Write(Json(streamEvent, StorageJson.Default.StreamEvent));
    }

    public void Stopped(IBufferWriter<byte> output, long stream, StopCause cause)
    {
        Begin(output, RecordKind.Stopped, stream);
        output.Write(Json(cause, StorageJson.Default.StopCause));
    }

    public void Forgotten(IBufferWriter<byte> output, long stream, ForgottenRecord forgotten)
    {
        Begin(output, RecordKind.Forgotten, stream);
        output.Write(Json(forgotten, StorageJson.Default.ForgottenRecord));
    }

    public void Dispose() => _writer.Dispose();

    private static void Begin(IBufferWriter<byte> output, RecordKind kind, long stream)
    {
        var span = output.GetSpan(RecordReader.HeadBytes);
        span[0] = (byte)kind;
        BinaryPrimitives.WriteInt64LittleEndian(span[1..], stream);
        output.Advance(RecordReader.HeadBytes);
    }

    private ReadOnlySpan<byte> Json<T>(T value, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
    {
        _json.ResetWrittenCount();
        _writer.Reset();
        JsonSerializer.Serialize(_writer, value, type);
        _writer.Flush();
        return _json.WrittenSpan;
    }
}

/// <summary>Reads what <see cref="RecordWriter"/> wrote. Every method throws a <see cref="JsonException"/> for what it never wrote.</summary>
internal static class RecordReader
{
    public const int HeadBytes = 9;

    public static (RecordKind Kind, long Stream) Head(ReadOnlySpan<byte> payload)
        => payload.Length >= HeadBytes
            ? ((RecordKind)payload[0], BinaryPrimitives.ReadInt64LittleEndian(payload[1..]))
            : throw new JsonException("The record is too short.");

    public static (OpenedRecord Opened, byte[] Request) Opened(ReadOnlySpan<byte> payload)
    {
        var rest = payload[HeadBytes..];
        var length = rest.Length < 4 ? -1 : BinaryPrimitives.ReadInt32LittleEndian(rest);
        return length >= 0 && length <= rest.Length - 4
            ? (Json(rest.Slice(4, length), StorageJson.Default.OpenedRecord), rest[(4 + length)..].ToArray())
            : throw new JsonException("The record is too short.");
    }

    public static (long Number, DateTimeOffset Time, StreamEvent Event) Event(ReadOnlySpan<byte> payload)
    {
        var rest = payload[HeadBytes..];
        if (rest.Length < 16)
        {
            throw new JsonException("The record is too short.");
        }

        var time = BinaryPrimitives.ReadInt64LittleEndian(rest[8..]);
        return (
            BinaryPrimitives.ReadInt64LittleEndian(rest),
            DateTimeOffset.FromUnixTimeMilliseconds(Math.Clamp(time, DateTimeOffset.MinValue.ToUnixTimeMilliseconds(), DateTimeOffset.MaxValue.ToUnixTimeMilliseconds())),
            Json(rest[16..], StorageJson.Default.StreamEvent));
    }

    public static StopCause Stopped(ReadOnlySpan<byte> payload) => JsonSerializer.Deserialize(payload[HeadBytes..], StorageJson.Default.StopCause);

    public static ForgottenRecord Forgotten(ReadOnlySpan<byte> payload) => Json(payload[HeadBytes..], StorageJson.Default.ForgottenRecord);

    private static T Json<T>(ReadOnlySpan<byte> json, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
        where T : class
        => JsonSerializer.Deserialize(json, type) ?? throw new JsonException("The record is null.");
}

/// <summary>
/// Text exactly as it is. A delta may end between the two halves of a surrogate pair, which no UTF-8 can say; then it is
/// an array of UTF-16 units.
/// </summary>
internal sealed class ExactText : JsonConverter<string>
{
    public override string? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            return reader.GetString();
        }

        var text = new StringBuilder();
        while (reader.Read() && reader.TokenType == JsonTokenType.Number)
        {
            text.Append((char)reader.GetUInt16());
        }

        return text.ToString();
    }

    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options)
    {
        if (IsWellFormed(value))
        {
            writer.WriteStringValue(value);
            return;
        }

        writer.WriteStartArray();
        foreach (var unit in value)
        {
            writer.WriteNumberValue(unit);
        }

        writer.WriteEndArray();
    }

    private static bool IsWellFormed(ReadOnlySpan<char> text)
    {
        for (var at = text.IndexOfAnyInRange('\uD800', '\uDFFF'); at >= 0;)
        {
            if (Rune.DecodeFromUtf16(text[at..], out _, out var units) != OperationStatus.Done)
            {
                return false;
            }

            text = text[(at + units)..];
            at = text.IndexOfAnyInRange('\uD800', '\uDFFF');
        }

        return true;
    }
}

[JsonSourceGenerationOptions(
    UseStringEnumConverter = true,
    IgnoreReadOnlyProperties = true,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault,
    Converters = [typeof(ExactText)])]
[JsonSerializable(typeof(StreamEvent))]
[JsonSerializable(typeof(OpenedRecord))]
[JsonSerializable(typeof(ForgottenRecord))]
[JsonSerializable(typeof(StopCause))]
internal sealed partial class StorageJson : JsonSerializerContext;
