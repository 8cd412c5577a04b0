using System.Text.Json;
using System.Text.Json.Serialization;
using Sluice.Engine;
using Sluice.Engine.Requests;

namespace Sluice.Server.Api;

/// <summary>What is kept of a request beside its stream, so that another process can go on with it.</summary>
/// <param name="Request">What the engine was asked.</param>
/// <param name="Fingerprint">Which engine: <see cref="LoadedModel.Fingerprint"/>.</param>
internal sealed record KeptRequest(GenerationRequest Request, string Fingerprint)
{
    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, KeptRequestJson.Default.KeptRequest);

    /// <exception cref="JsonException">These are not the bytes of a request.</exception>
    public static KeptRequest From(ReadOnlyMemory<byte> bytes)
        => JsonSerializer.Deserialize(bytes.Span, KeptRequestJson.Default.KeptRequest) ?? throw new JsonException("The request is null.");
}

[JsonSourceGenerationOptions(
    UseStringEnumConverter = true,
    RespectRequiredConstructorParameters = true,
    RespectNullableAnnotations = true,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(KeptRequest))]
internal sealed partial class KeptRequestJson : JsonSerializerContext;
