using System.Text.Json;
using Sluice.Server.Api;

namespace Sluice.Server.Protocols.Anthropic;

/// <summary>Errors in the shape that Anthropic's clients read, as an answer of its own and as a stream's last event.</summary>
internal static class AnthropicError
{
    public static void Write(Utf8JsonWriter json, ApiError error)
    {
        json.WriteStartObject();
        json.WriteString("type"u8, "error"u8);
        json.WriteStartObject("error"u8);
        json.WriteString("type"u8, TypeOf(error));
        json.WriteString("message"u8, error.Message);
        if (error.Code is not null || error.Param is not null)
        {
            // Where Anthropic's SDK looks for a code (error.errorCode); the field at fault stands beside it.
            json.WriteStartObject("details"u8);
            json.WriteString("error_code"u8, error.Code);
            json.WriteString("param"u8, error.Param);
            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.WriteNull("request_id"u8);
        json.WriteEndObject();
    }

    /// <summary>The names that Anthropic gives its statuses; 503 means the same as its own 529.</summary>
    private static string TypeOf(ApiError error) => error.Status switch
    {
        StatusCodes.Status401Unauthorized => "authentication_error",
        StatusCodes.Status403Forbidden => "permission_error",
        StatusCodes.Status404NotFound or StatusCodes.Status410Gone => "not_found_error",
        StatusCodes.Status413PayloadTooLarge => "request_too_large",
        StatusCodes.Status429TooManyRequests => "rate_limit_error",
        StatusCodes.Status503ServiceUnavailable when error != ApiError.Cancelled => "overloaded_error",
        StatusCodes.Status504GatewayTimeout => "timeout_error",
        >= 500 => "api_error",
        _ => "invalid_request_error",
    };
}
