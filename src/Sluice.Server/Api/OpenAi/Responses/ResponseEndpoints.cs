using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;
using Sluice.Server.Access;
using Sluice.Server.Protocols;
using Sluice.Server.Protocols.OpenAi.Responses;
using Sluice.Streams;

namespace Sluice.Server.Api.OpenAi.Responses;

/// <summary>OpenAI's Responses. A response is a stream under another name: what is said of streams holds for it.</summary>
internal static class ResponseEndpoints
{
    private const string NotFound = "response_not_found";

    public static async Task CreateAsync(HttpContext http, ModelHost models, GenerationRunner runner, GenerationAnswers answers)
    {
        if (!(await ReadAsync(http, models, runner)).Succeeded(out var ask, out var error))
        {
            await JsonResponse.WriteAsync(http.Response, error);
            return;
        }

        if (ask.IsStreamed || !ResponseEcho.Read(ask.Telling.Echo).IsBackground)
        {
            await answers.AnswerAsync(http, ask);
            return;
        }

        if (!runner.Start(Caller.Of(http), ask).Succeeded(out var stream, out error))
        {
            await JsonResponse.WriteAsync(http.Response, error);
            return;
        }

        await stream.WaitUntilRecordedAsync();
        http.Response.Headers[GenerationAnswers.StreamHeaderName] = stream.Header.Id.Value;
        await WriteNowAsync(http, stream);
    }

    /// <summary>Reads a request, behind the response that it goes on from, and checks it.</summary>
    public static async ValueTask<Outcome<GenerationAsk>> ReadAsync(HttpContext http, ModelHost models, GenerationRunner runner, bool isStream = false)
    {
        if (!(await GenerationEndpoint.ReceiveAsync(http, models, runner, ApiJson.Default.ResponseBody)).Succeeded(out var received, out var error)
            || !Complete(received.Body, Caller.Of(http), runner).Succeeded(out var body, out error))
        {
            return error;
        }

        return (received with { Body = body }).ToAsk(isStream);
    }

    private static Outcome<ResponseBody> Complete(ResponseBody body, Caller caller, GenerationRunner runner)
    {
        if (body.PreviousResponseId is not { } id)
        {
            return body.WithItems([]);
        }

        return Find(caller, runner, id).Succeeded(out var previous, out var error) && ConversationOf(previous, id).Succeeded(out var items, out error)
            ? body.WithItems(items)
            : error with { Status = StatusCodes.Status400BadRequest, Param = "previous_response_id" };
    }

    public static async Task GetAsync(HttpContext http, GenerationRunner runner, GenerationAnswers answers, string id)
    {
        if (!Find(Caller.Of(http), runner, id).Succeeded(out var stream, out var error)
            || !TryReadStart(http.Request, out var isStream, out var after, out error))
        {
            await JsonResponse.WriteAsync(http.Response, error);
            return;
        }

        if (!isStream)
        {
            await WriteNowAsync(http, stream);
            return;
        }

        var dialect = new ResponsesDialect(stream.Header);
        EventPosition position = default;
        if (after is { } number && !dialect.Sequence.Find(stream, number).Succeeded(out position, out error))
        {
            await JsonResponse.WriteAsync(http.Response, error);
            return;
        }

        await answers.ResumeAsync(http, stream, position, dialect, saysNothingAsEmpty: true);
    }

    public static async Task CancelAsync(HttpContext http, GenerationRunner runner, string id)
    {
        if (!Find(Caller.Of(http), runner, id).Succeeded(out var stream, out var error))
        {
            await JsonResponse.WriteAsync(http.Response, error);
            return;
        }

        // What has ended or is stopped already stays as it is.
        stream.Stop(StopCause.Request);
        await stream.WaitForEndAsync(http.RequestAborted);
        await WriteNowAsync(http, stream);
    }

    public static Task DeleteAsync(HttpContext http, GenerationRunner runner, StreamRegistry streams, string id)
    {
        if (!Find(Caller.Of(http), runner, id).Succeeded(out var stream, out var error))
        {
            return JsonResponse.WriteAsync(http.Response, error);
        }

        streams.Delete(stream);
        return JsonResponse.WriteAsync(http.Response, StatusCodes.Status200OK, json =>
        {
            json.WriteStartObject();
            json.WriteString("id"u8, id);
            json.WriteString("object"u8, "response");
            json.WriteBoolean("deleted"u8, true);
            json.WriteEndObject();
        });
    }

    public static Task ListInputAsync(HttpContext http, GenerationRunner runner, string id)
        => Find(Caller.Of(http), runner, id).Succeeded(out var stream, out var error)
            && InputPage.Read(http.Request, [.. ResponseEcho.Read(stream.Header.Telling.Echo).Input]).Succeeded(out var page, out error)
            ? JsonResponse.WriteAsync(http.Response, StatusCodes.Status200OK, page.WriteTo)
            : JsonResponse.WriteAsync(http.Response, error);

    private static Task WriteNowAsync(HttpContext http, GenerationStream stream)
        => JsonResponse.WriteAsync(http.Response, StatusCodes.Status200OK, json => new ResponsesDialect(stream.Header).WriteNow(json, stream));

    private static Outcome<GenerationStream> Find(Caller caller, GenerationRunner runner, string id)
    {
        var none = new ApiError(StatusCodes.Status404NotFound, $"There is no response {id}.", Code: NotFound);
        if (!id.StartsWith(ResponseObject.IdPrefix, StringComparison.Ordinal))
        {
            return none;
        }

        if (!runner.Find(caller, id[ResponseObject.IdPrefix.Length..]).Succeeded(out var stream, out var error))
        {
            return error.Code == ApiError.StreamGone
                ? new ApiError(StatusCodes.Status410Gone, $"Response {id} has ended and is kept no longer.", Code: "response_gone")
                : none;
        }

        return stream.Header.Dialect == ResponsesDialect.Name && ResponseEcho.Read(stream.Header.Telling.Echo).IsStored ? stream : none;
    }

    /// <summary>Everything that was said up to a response's end.</summary>
    private static Outcome<IEnumerable<JsonElement>> ConversationOf(GenerationStream stream, string id)
    {
        var state = ResponseState.Of(stream);
        if (state.End is null)
        {
            return ApiError.Invalid(null, state.Error is null
                ? $"Response {id} is not complete yet: wait for its end, or cancel it."
                : $"Response {id} failed, so that nothing can go on from it: {state.Error.Message}", state.Error is null ? "response_not_complete" : "response_failed");
        }

        return Outcome.Of(ResponseEcho.Read(stream.Header.Telling.Echo).Input.Concat(state.OutputAsItems(stream.Header.Id)));
    }

    private static bool TryReadStart(HttpRequest request, out bool isStream, out int? after, [NotNullWhen(false)] out ApiError? error)
    {
        (after, error) = (null, null);
        var (asked, place) = (request.Query["stream"].ToString(), request.Query["starting_after"].ToString());
        isStream = asked is "true" or "True" or "1";
        if (!isStream && asked is not ("" or "false" or "False" or "0"))
        {
            error = ApiError.Invalid("stream", "stream must be true or false.");
        }
        else if (place.Length > 0 && !isStream)
        {
            error = ApiError.Invalid("starting_after", "starting_after is only allowed with stream=true.");
        }
        else if (place.Length > 0)
        {
            if (int.TryParse(place, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            {
                after = number;
            }
            else
            {
                error = ApiError.Invalid("starting_after", "starting_after must be the sequence_number of an event.", "invalid_position");
            }
        }

        return error is null;
    }
}
