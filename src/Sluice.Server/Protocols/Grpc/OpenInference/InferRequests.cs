using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Sluice.Server.Api;
using Sluice.Server.Protocols.Grpc.OpenInference.Wire;

namespace Sluice.Server.Protocols.Grpc.OpenInference;

/// <summary>Reads requests of the Open Inference Protocol as text completions: tensors and parameters become the fields of a body.</summary>
internal sealed class InferRequests(ModelHost models, GenerationRunner runner)
{
    public const string TextInput = "text_input";
    public const string TextOutput = "text_output";
    private const string SamplingParameters = "sampling_parameters";
    private const string ExcludeInput = "exclude_input_in_output";

    /// <summary>The fields of a body that are parameters here; others are ignored, as a body's unknown fields are.</summary>
    private static readonly HashSet<string> Numbers = new(StringComparer.Ordinal)
    {
        "max_tokens", "temperature", "top_p", "top_k", "min_p", "typical_p", "seed", "presence_penalty", "frequency_penalty",
        "repetition_penalty", "repeat_penalty", "ignore_eos",
    };

    private static readonly HashSet<string> Texts = new(StringComparer.Ordinal) { "stop", "cache_salt", "on_disconnect" };

    /// <summary>The request as something to start.</summary>
    public Outcome<GenerationAsk> Read(ModelInferRequest request)
    {
        var arrivedAt = runner.Now;
        if (!models.TryGet(out var engine, out var error))
        {
            return error;
        }

        if (CheckModel(request.ModelName, engine.Model.Id) is { } unknown)
        {
            return unknown;
        }

        if (request.Outputs.FirstOrDefault(output => output.Name != TextOutput) is { } other)
        {
            return ApiError.Invalid("outputs", $"The model has no output '{other.Name}'; it has {TextOutput}.");
        }

        if (!ReadFields(request).Succeeded(out var fields, out error))
        {
            return error;
        }

        var json = new ArrayBufferWriter<byte>(1024);
        using (var writer = new Utf8JsonWriter(json))
        {
            writer.WriteStartObject();
            foreach (var (name, value) in fields)
            {
                writer.WritePropertyName(name);
                value.WriteTo(writer);
            }

            writer.WriteEndObject();
        }

        using var document = JsonDocument.Parse(json.WrittenMemory);
        var read = RequestBody.Read(document.RootElement, ApiJson.Default.CompletionBody).Succeeded(out var body, out error)
            ? body.ToAsk(engine, arrivedAt, key: null)
            : error;
        return read.Succeeded(out _, out error) || error.Param != "prompt" ? read : error with { Param = TextInput };
    }

    /// <summary>Whether a request names another model than the one that is served; no name is any model.</summary>
    public static ApiError? CheckModel(string name, string served) => name.Length == 0 || name == served ? null : new ApiError(
        StatusCodes.Status404NotFound, $"There is no model '{name}'; this server has '{served}'.", "model_name", "model_not_found");

    private static Outcome<Dictionary<string, JsonElement>> ReadFields(ModelInferRequest request)
    {
        var given = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        string? text = null;
        if (request.RawInputContents.Count > 0 && request.RawInputContents.Count != request.Inputs.Count)
        {
            return ApiError.Invalid("raw_input_contents", string.Create(CultureInfo.InvariantCulture, $"There are {request.Inputs.Count} inputs and {request.RawInputContents.Count} raw contents; there must be one for each, or none."));
        }

        foreach (var (name, parameter) in request.Parameters)
        {
            given[name] = ToJson(name, parameter);
        }

        for (var i = 0; i < request.Inputs.Count; i++)
        {
            var input = request.Inputs[i];
            var raw = request.RawInputContents.Count > 0 ? request.RawInputContents[i].Memory : (ReadOnlyMemory<byte>?)null;
            if (ReadElement(input, raw) is not { } value)
            {
                return ApiError.Invalid($"inputs.{input.Name}", $"The input {input.Name} must have one element of its datatype, which is BYTES, BOOL, a whole number or FP32 or FP64.");
            }

            if (input.Name == TextInput)
            {
                if (value is not string)
                {
                    return ApiError.Invalid(TextInput, $"{TextInput} must be BYTES, not {input.Datatype}.");
                }

                text = (string)value;
            }
            else if (input.Name == SamplingParameters)
            {
                if (value is not string sampling || !TryAdd(sampling, given))
                {
                    return ApiError.Invalid(SamplingParameters, $"{SamplingParameters} must be a JSON object, as BYTES.");
                }
            }
            else
            {
                given[input.Name] = ToJson(input.Name, value);
            }
        }

        if (text is null)
        {
            return ApiError.Invalid(TextInput, $"The input {TextInput} is missing; it is the prompt.");
        }

        var fields = given.Where(field => Numbers.Contains(field.Key) || Texts.Contains(field.Key)).ToDictionary(StringComparer.Ordinal);
        fields["prompt"] = ToJson("prompt", text);
        if (given.TryGetValue(ExcludeInput, out var exclude) && exclude.ValueKind == JsonValueKind.False)
        {
            fields["echo"] = JsonElement.Parse("true");
        }

        return fields;
    }

    private static bool TryAdd(string sampling, Dictionary<string, JsonElement> given)
    {
        try
        {
            var json = JsonElement.Parse(sampling);
            if (json.ValueKind != JsonValueKind.Object)
            {
                return false;
            }

            foreach (var property in json.EnumerateObject())
            {
                given[property.Name] = FromText(property.Name, property.Value);
            }

            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static JsonElement ToJson(string name, InferParameter parameter) => parameter.ParameterChoiceCase switch
    {
        InferParameter.ParameterChoiceOneofCase.BoolParam => ToJson(name, parameter.BoolParam),
        InferParameter.ParameterChoiceOneofCase.Int64Param => ToJson(name, parameter.Int64Param),
        InferParameter.ParameterChoiceOneofCase.StringParam => ToJson(name, parameter.StringParam),
        InferParameter.ParameterChoiceOneofCase.DoubleParam => ToJson(name, parameter.DoubleParam),
        InferParameter.ParameterChoiceOneofCase.Uint64Param => ToJson(name, parameter.Uint64Param),
        _ => JsonElement.Parse("null"),
    };

    private static JsonElement ToJson(string name, object value)
    {
        var json = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(json))
        {
            switch (value)
            {
                case bool truth:
                    writer.WriteBooleanValue(truth);
                    break;
                case long number:
                    writer.WriteNumberValue(number);
                    break;
                case ulong number:
                    writer.WriteNumberValue(number);
                    break;
                case double number when double.IsFinite(number):
                    writer.WriteNumberValue(number);
                    break;
                default:
                    writer.WriteStringValue(value.ToString());
                    break;
            }
        }

        return FromText(name, JsonElement.Parse(json.WrittenSpan));
    }

    /// <summary>Numbers may come as text: the protocol's parameters had no fractions for long.</summary>
    private static JsonElement FromText(string name, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.String || !Numbers.Contains(name))
        {
            return value;
        }

        try
        {
            return JsonElement.Parse(value.GetString()!);
        }
        catch (JsonException)
        {
            return value; // refused by its name
        }
    }

    /// <summary>A tensor's one element as a text, truth value or number; null where it is none.</summary>
    private static object? ReadElement(ModelInferRequest.Types.InferInputTensor input, ReadOnlyMemory<byte>? raw)
    {
        if (input.Shape.Any(static dimension => dimension != 1))
        {
            return null;
        }

        if (raw is { } bytes)
        {
            return ReadRaw(input.Datatype, bytes.Span);
        }

        var contents = input.Contents ?? new InferTensorContents();
        return input.Datatype switch
        {
            "BYTES" when contents.BytesContents is [var text] => ToText(text.Span),
            "BOOL" when contents.BoolContents is [var truth] => truth,
            "INT8" or "INT16" or "INT32" when contents.IntContents is [var number] => (long)number,
            "INT64" when contents.Int64Contents is [var number] => number,
            "UINT8" or "UINT16" or "UINT32" when contents.UintContents is [var number] => (long)number,
            "UINT64" when contents.Uint64Contents is [var number] => number,
            "FP32" when contents.Fp32Contents is [var number] => (double)number,
            "FP64" when contents.Fp64Contents is [var number] => number,
            _ => null,
        };
    }

    private static object? ReadRaw(string datatype, ReadOnlySpan<byte> raw) => (datatype, raw.Length) switch
    {
        ("BYTES", >= 4) when BinaryPrimitives.ReadUInt32LittleEndian(raw) == raw.Length - 4 => ToText(raw[4..]),
        ("BOOL", 1) => raw[0] != 0,
        ("INT8", 1) => (long)(sbyte)raw[0],
        ("UINT8", 1) => (long)raw[0],
        ("INT16", 2) => (long)BinaryPrimitives.ReadInt16LittleEndian(raw),
        ("UINT16", 2) => (long)BinaryPrimitives.ReadUInt16LittleEndian(raw),
        ("INT32", 4) => (long)BinaryPrimitives.ReadInt32LittleEndian(raw),
        ("UINT32", 4) => (long)BinaryPrimitives.ReadUInt32LittleEndian(raw),
        ("INT64", 8) => BinaryPrimitives.ReadInt64LittleEndian(raw),
        ("UINT64", 8) => BinaryPrimitives.ReadUInt64LittleEndian(raw),
        ("FP32", 4) => (double)BinaryPrimitives.ReadSingleLittleEndian(raw),
        ("FP64", 8) => BinaryPrimitives.ReadDoubleLittleEndian(raw),
        _ => null,
    };

    /// <summary>The text; null where it is not UTF-8.</summary>
    private static string? ToText(ReadOnlySpan<byte> bytes)
        => System.Text.Unicode.Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : null;
}
