using System.Collections;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Net.Http.Headers;

namespace Sluice.Server.Api;

/// <summary>Reads JSON request bodies; every fault becomes an <see cref="ApiError"/> that says where it is.</summary>
internal static class RequestBody
{
    /// <summary>Largest body, in bytes.</summary>
    public const int MaxBytes = 4 * 1024 * 1024;

    /// <summary>Reads the body as it is read otherwise, and tells what its bytes hash to.</summary>
    /// <returns>The body, and the SHA-256 of its bytes as hexadecimal digits.</returns>
    public static async ValueTask<(Outcome<T> Body, string Hash)> ReadAndHashAsync<T>(HttpRequest request, JsonTypeInfo<T> type)
        where T : class
    {
        using var hash = SHA256.Create();
        await using var hashed = new CryptoStream(request.Body, hash, CryptoStreamMode.Read, leaveOpen: true);
        request.Body = hashed;
        var body = await ReadAsync(request, type);
        return (body, body.Succeeded(out _, out _) ? Convert.ToHexString(hash.Hash!) : "");
    }

    public static async ValueTask<Outcome<T>> ReadAsync<T>(HttpRequest request, JsonTypeInfo<T> type)
        where T : class
    {
        if (!IsJson(request.ContentType))
        {
            return new ApiError(StatusCodes.Status415UnsupportedMediaType, "The body must be JSON in UTF-8: send the header Content-Type: application/json.");
        }

        try
        {
            return NotNull(await JsonSerializer.DeserializeAsync(request.Body, type, request.HttpContext.RequestAborted));
        }
        catch (JsonException fault)
        {
            return Describe(fault, type);
        }
        catch (BadHttpRequestException fault)
        {
            return new ApiError(fault.StatusCode, fault.StatusCode == StatusCodes.Status413PayloadTooLarge
                ? $"The body is larger than {MaxBytes} bytes."
                : fault.Message);
        }
    }

    /// <summary>The same for a request that came by another way than as a body.</summary>
    public static Outcome<T> Read<T>(JsonElement body, JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return NotNull(body.Deserialize(type));
        }
        catch (JsonException fault)
        {
            return Describe(fault, type);
        }
    }

    private static Outcome<T> NotNull<T>(T? body)
        where T : class
        => body is null ? ApiError.Invalid(null, "The body is null; it must be a JSON object.") : body;

    // Only JSON: a browser sends a form or plain text across origins without asking first, JSON it does not.
    private static bool IsJson(string? contentType)
        => MediaTypeHeaderValue.TryParse(contentType, out var type)
            && type.MediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase)
            && (!type.Charset.HasValue || type.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase));

    private static ApiError Describe(JsonException fault, JsonTypeInfo type)
    {
        var param = fault.Path is { } path && path.StartsWith("$.", StringComparison.Ordinal) ? path[2..] : null;
        if (fault is FieldException)
        {
            return ApiError.Invalid(param, $"{param ?? "The body"} {fault.Message}");
        }

        // A converter's refusal has a path and the place of the value; the reader's own has the reader's exception inside.
        if (fault.InnerException is JsonException || fault.Path is null or "$" && fault.InnerException is null && IsSyntax(fault))
        {
            var position = string.Create(CultureInfo.InvariantCulture, $"line {fault.LineNumber + 1}, byte {fault.BytePositionInLine + 1}");
            return ApiError.Invalid(null, $"The body is not valid JSON (at {position}): {FirstSentence(fault.InnerException?.Message ?? fault.Message)}");
        }

        return ApiError.Invalid(param, param is null ? "The body must be a JSON object." : $"{param} must be {ExpectedAt(param, type)}.");
    }

    private static bool IsSyntax(JsonException fault) => !fault.Message.StartsWith("The JSON value could not be converted", StringComparison.Ordinal);

    // The fields with a text, number or truth value have converters that say what they expect; what remains are arrays and objects.
    private static string ExpectedAt(string param, JsonTypeInfo type)
    {
        var property = type.Properties.FirstOrDefault(candidate => candidate.Name == param)?.PropertyType;
        return property is not null && typeof(IList).IsAssignableFrom(property) ? "an array" : "an object";
    }

    private static string FirstSentence(string message)
    {
        var end = message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        return end < 0 ? message : message[..end];
    }
}
