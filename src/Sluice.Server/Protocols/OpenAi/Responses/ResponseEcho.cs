using System.Text;
using System.Text.Json;
using Sluice.Server.Api;

namespace Sluice.Server.Protocols.OpenAi.Responses;

/// <summary>
/// What is kept of the request beside the stream: the properties that the response object repeats, and all items of its
/// input, those of earlier responses included, so that it can be gone on from when these are forgotten.
/// </summary>
internal sealed class ResponseEcho
{
    private readonly JsonElement _properties;
    private readonly JsonElement _input;

    private ResponseEcho(JsonElement properties, JsonElement input) => (_properties, _input) = (properties, input);

    public bool IsBackground => _properties.GetProperty("background"u8).GetBoolean();

    /// <summary>Whether the response can be asked for after it was told.</summary>
    public bool IsStored => _properties.GetProperty("store"u8).GetBoolean();

    /// <summary>The items of the input, in order, each with its id.</summary>
    public IEnumerable<JsonElement> Input => _input.EnumerateArray();

    public static ResponseEcho Read(string? echo)
    {
        var kept = JsonElement.Parse(echo ?? throw new ArgumentException("The stream was not asked for as a response.", nameof(echo)));
        return new ResponseEcho(kept.GetProperty("response"u8), kept.GetProperty("input"u8));
    }

    /// <summary>Puts together what <see cref="Read"/> takes apart.</summary>
    /// <param name="writeProperties">Writes the properties that the object repeats; <c>background</c> and <c>store</c> are among them.</param>
    /// <param name="input">The items of the input.</param>
    public static string Compose(Action<Utf8JsonWriter> writeProperties, IEnumerable<JsonElement> input)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, JsonResponse.WriterOptions))
        {
            json.WriteStartObject();
            json.WriteStartObject("response"u8);
            writeProperties(json);
            json.WriteEndObject();
            json.WriteStartArray("input"u8);
            foreach (var item in input)
            {
                item.WriteTo(json);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.ToArray());
    }

    /// <summary>Writes the properties into an object.</summary>
    public void WriteTo(Utf8JsonWriter json)
    {
        foreach (var property in _properties.EnumerateObject())
        {
            property.WriteTo(json);
        }
    }
}
