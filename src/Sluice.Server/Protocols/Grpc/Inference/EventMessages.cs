using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Sluice.Server.Api;
using Sluice.Server.Protocols.Grpc.Calls;
using Sluice.Server.Protocols.Grpc.V1;
using Sluice.Streams;

namespace Sluice.Server.Protocols.Grpc.Inference;

/// <summary>A stream's events as messages: a pure function of the stream's header and the event's entry in the log.</summary>
internal sealed class EventMessages(StreamHeader header)
{
    /// <summary>What a reader is told of an event; null where it is of a kind that is not told.</summary>
    public Event? Of(in LoggedEvent entry)
    {
        var told = new Event { Stream = header.Id.Value, Number = entry.Number };
        switch (entry.Event)
        {
            case StreamStarted started:
                told.Started = new Started
                {
                    Model = header.Model,
                    Created = Timestamp.FromDateTimeOffset(header.Created),
                    PromptTokens = started.PromptTokens,
                    Choices = header.Telling.Choices,
                };
                return told;
            case StreamProgress progress:
                told.Progress = new Progress
                {
                    QueuePlace = progress.QueuePlace,
                    PromptTokensDone = progress.PromptTokensDone,
                    PromptTokens = progress.PromptTokens,
                    CachedTokens = progress.CachedTokens,
                };
                return told;
            case StreamPaused paused:
                told.Paused = new Paused
                {
                    Reason = paused.Reason switch
                    {
                        PauseReason.NoReader => Paused.Types.Reason.NoReader,
                        PauseReason.SlowReaders => Paused.Types.Reason.SlowReaders,
                        _ => Paused.Types.Reason.Storage,
                    },
                };
                return told;
            case StreamResumed:
                told.Resumed = new Resumed();
                return told;
            case StreamDelta delta:
                told.Delta = Of(delta, entry.Before);
                return told;
            case StreamFinished finished:
                told.Finished = Of(finished);
                return told;
            case StreamFailed failed:
                told.Failed = new Failed { Error = Of(GrpcStatus.Of(ApiError.From(failed))) };
                return told;
            default:
                return null;
        }
    }

    /// <summary>A status as a message, where it concerns one stream only.</summary>
    public static Error Of(GrpcStatus status) => new()
    {
        Status = (int)status.Code,
        Reason = status.Reason ?? "",
        Message = status.Message,
        Field = status.Field ?? "",
        RetryDelay = status.RetryDelay is { } delay ? Duration.FromTimeSpan(delay) : null,
    };

    public static Usage Of(StreamUsage usage)
        => new() { PromptTokens = usage.PromptTokens, CachedTokens = usage.CachedTokens, CompletionTokens = usage.CompletionTokens };

    private static Finished Of(StreamFinished finished) => new()
    {
        Usage = Of(finished.Usage),
        Timings = new Timings
        {
            Queue = Duration.FromTimeSpan(finished.Timings.Queue),
            Prefill = Duration.FromTimeSpan(finished.Timings.Prefill),
            Decode = Duration.FromTimeSpan(finished.Timings.Decode),
            TimeToFirstToken = finished.Timings.TimeToFirstToken is { } time ? Duration.FromTimeSpan(time) : null,
        },
    };

    private Delta Of(StreamDelta delta, in StreamContext before)
    {
        var told = new Delta { Choice = delta.Choice, IsPrompt = delta.IsPrompt, StopString = delta.StopString ?? "" };
        foreach (var part in delta.ToldParts)
        {
            told.Parts.Add(Of(part));
        }

        if (header.Telling.Logprobs)
        {
            foreach (var token in delta.Tokens)
            {
                told.Tokens.Add(Of(token));
            }
        }

        if (delta.Finish is { } finish)
        {
            var callsTool = before.ChoiceToolCalls > 0 || (!delta.Parts.IsDefault && delta.Parts.Any(static part => part is ToolCallPart));
            told.FinishReason = finish switch
            {
                Streams.FinishReason.Stop => callsTool ? V1.FinishReason.ToolCalls : V1.FinishReason.Stop,
                Streams.FinishReason.Length => V1.FinishReason.Length,
                _ => V1.FinishReason.Cancelled,
            };
        }

        if (delta.StopDetail is { } detail)
        {
            told.StopDetail = Of(detail);
        }

        return told;
    }

    private static V1.StopDetail Of(Streams.StopDetail detail)
    {
        var told = new V1.StopDetail { Condition = StopDetailJson.Name(detail.Condition), Pattern = detail.Pattern ?? "", Match = detail.Match ?? "" };
        if (detail.Period is { } period)
        {
            told.Period = period;
        }

        if (detail.Repeats is { } repeats)
        {
            told.Repeats = repeats;
        }

        if (detail.MeanLogprob is { } mean)
        {
            told.MeanLogprob = mean;
        }

        if (detail.Seconds is { } seconds)
        {
            told.Seconds = seconds;
        }

        if (detail.TokensSaved is { } saved)
        {
            told.TokensSaved = saved;
        }

        return told;
    }

    private static Part Of(DeltaPart part) => part switch
    {
        ContentPart content => new Part { Content = content.Text },
        ReasoningPart reasoning => new Part { Reasoning = reasoning.Text },
        ToolCallPart call => new Part { ToolCall = new ToolCallBegin { Index = call.Index, Id = call.Id, Name = call.Name } },
        ToolArgumentsPart arguments => new Part { ToolArguments = new ToolCallArguments { Index = arguments.Index, Text = arguments.Text } },
        _ => throw new ArgumentException($"There is no message for {part.GetType().Name}.", nameof(part)),
    };

    private static Token Of(StreamToken token)
    {
        if (token.Logprobs is not { } logprobs)
        {
            return new Token { Id = token.Id };
        }

        var told = Of(logprobs.Chosen);
        foreach (var candidate in logprobs.Top)
        {
            told.Top.Add(Of(candidate));
        }

        return told;
    }

    private static Token Of(TokenProbability probability)
    {
        var told = new Token { Id = probability.Id, Text = ByteString.CopyFrom(probability.Bytes.Span) };
        if (!float.IsNaN(probability.Logprob))
        {
            told.Logprob = probability.Logprob;
        }

        return told;
    }
}
