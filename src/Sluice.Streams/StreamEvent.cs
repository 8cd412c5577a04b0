using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Sluice.Streams;

/// <summary>
/// What the engine said, in no protocol's dialect. A stream is <see cref="StreamStarted"/>, any number of
/// <see cref="StreamDelta"/>, and exactly one terminal event: <see cref="StreamFinished"/> or <see cref="StreamFailed"/>.
/// Events are immutable, so that rendering event N is a pure function of the log.
/// </summary>
[JsonDerivedType(typeof(StreamStarted), "started")]
[JsonDerivedType(typeof(StreamProgress), "progress")]
[JsonDerivedType(typeof(StreamPaused), "paused")]
[JsonDerivedType(typeof(StreamResumed), "resumed")]
[JsonDerivedType(typeof(StreamDelta), "delta")]
[JsonDerivedType(typeof(StreamFinished), "finished")]
[JsonDerivedType(typeof(StreamFailed), "failed")]
public abstract record StreamEvent
{
    /// <summary>Whether the stream ends with this event.</summary>
    public virtual bool IsTerminal => false;
}

/// <summary>The request was admitted; the first event of every stream.</summary>
/// <param name="PromptTokens">Tokens in the prompt.</param>
public sealed record StreamStarted(int PromptTokens) : StreamEvent;

/// <summary>How far a request is that has no text yet; told only to those who ask.</summary>
/// <param name="QueuePlace">Its place among the requests that wait for their first step, 1 for the first that came; 0 where it waits no longer.</param>
/// <param name="PromptTokensDone">Tokens of the prompt whose keys and values are there.</param>
/// <param name="PromptTokens">Tokens of the prompt.</param>
/// <param name="CachedTokens">Of those done, the tokens that were in the cache already.</param>
public sealed record StreamProgress(int QueuePlace, int PromptTokensDone, int PromptTokens, int CachedTokens) : StreamEvent;

/// <summary>The generation rests: what comes next is <see cref="StreamResumed"/>, or the end.</summary>
/// <param name="Reason">Why.</param>
public sealed record StreamPaused(PauseReason Reason) : StreamEvent;

/// <summary>The generation goes on.</summary>
public sealed record StreamResumed : StreamEvent;

/// <summary>Why a generation rests.</summary>
public enum PauseReason
{
    /// <summary>Nobody reads it.</summary>
    NoReader,

    /// <summary>Even its fastest reader is more than a window behind.</summary>
    SlowReaders,

    /// <summary>What was said cannot be written to the disk as fast.</summary>
    Storage,
}

/// <summary>Text that is certain, with the tokens it came from.</summary>
/// <param name="Choice">Index of the choice, 0 to n − 1.</param>
/// <param name="Text">What the model wrote, to append; empty only where <paramref name="Finish"/> is set or no text came of the tokens.</param>
/// <param name="Tokens">The tokens generated since the choice's last delta.</param>
/// <param name="Finish">Why the choice ended; set on the choice's last delta and nowhere else.</param>
public sealed record StreamDelta(int Choice, string Text, ImmutableArray<StreamToken> Tokens, FinishReason? Finish = null) : StreamEvent
{
    /// <summary>The stop string that ended the choice, where one did.</summary>
    public string? StopString { get; init; }

    /// <summary>The condition that ended the choice, where one of the request's did.</summary>
    public StopDetail? StopDetail { get; init; }

    /// <summary>Whether an end-of-generation token ended the choice, which counts as generated and is not among <see cref="Tokens"/>.</summary>
    public bool IsEndedByToken { get; init; }

    /// <summary>Whether this is the prompt itself, echoed before the first generated text.</summary>
    public bool IsPrompt { get; init; }

    /// <summary>
    /// What <see cref="Text"/> is made of, where it was read for reasoning and tool calls: none where it is markup, or
    /// may yet turn out to be. Default where it was not read: then all of it is content.
    /// </summary>
    public ImmutableArray<DeltaPart> Parts { get; init; }

    /// <summary>What readers are told: <see cref="Parts"/>, or the text as it is.</summary>
    public ImmutableArray<DeltaPart> ToldParts => !Parts.IsDefault ? Parts : Text.Length == 0 ? [] : [new ContentPart(Text)];

    /// <summary>
    /// How many of its tokens the model wrote to itself: all of them where the delta's last part, or without parts the
    /// block that goes on, is reasoning. A delta is not divided, so that sums are a token or two off where reasoning ends.
    /// </summary>
    /// <param name="block">What the choice's last block before it is; null where it has none.</param>
    public int ReasoningTokens(AnswerBlockKind? block)
        => !IsPrompt && !Parts.IsDefault && (Parts.IsEmpty ? block == AnswerBlockKind.Reasoning : Parts[^1] is ReasoningPart) ? Tokens.Length : 0;
}

/// <summary>All choices ended. Terminal.</summary>
/// <param name="Usage">Token counts of the whole stream.</param>
/// <param name="Timings">Where the time went.</param>
public sealed record StreamFinished(StreamUsage Usage, StreamTimings Timings) : StreamEvent
{
    /// <summary>Who cut the stream short; null where nobody did.</summary>
    public StopCause? StoppedBy { get; init; }

    /// <inheritdoc/>
    public override bool IsTerminal => true;
}

/// <summary>The stream cannot go on. Terminal.</summary>
/// <param name="Code">Stable name of the error, such as <c>engine_fault</c>.</param>
/// <param name="Message">What went wrong, for a person.</param>
public sealed record StreamFailed(string Code, string Message) : StreamEvent
{
    /// <summary>The <see cref="Code"/> of what ended because the process did.</summary>
    public const string ShuttingDown = "shutting_down";

    /// <summary>The <see cref="Code"/> of what ended because its owner may use the server no longer.</summary>
    public const string KeyRevoked = "key_revoked";

    /// <summary>The end of what its owner may have no longer.</summary>
    public static StreamFailed Revoked { get; } = new(KeyRevoked, "The API key of this answer was taken away before its end.");

    /// <inheritdoc/>
    public override bool IsTerminal => true;
}

/// <summary>Why a choice ended.</summary>
public enum FinishReason
{
    /// <summary>The model ended it, or a stop string or another condition of the request was met.</summary>
    Stop,

    /// <summary>The limit of tokens or of time, or the end of the context, was reached.</summary>
    Length,

    /// <summary>Somebody stopped it.</summary>
    Cancelled,
}

/// <summary>A token of a delta.</summary>
/// <param name="Id">Index in the vocabulary.</param>
/// <param name="Logprobs">What the model thought of it; null unless the request asked.</param>
public readonly record struct StreamToken(int Id, TokenLogprobs? Logprobs);

/// <summary>Natural-log probabilities at one position, before any sampling option was applied.</summary>
/// <param name="Chosen">The token at this position; its log probability is NaN for a prompt's first token, which nothing predicts.</param>
/// <param name="Top">The most likely tokens, best first; empty when none were asked for.</param>
public sealed record TokenLogprobs(TokenProbability Chosen, ImmutableArray<TokenProbability> Top);

/// <summary>One token and its log probability.</summary>
/// <param name="Id">Index in the vocabulary.</param>
/// <param name="Bytes">What the token adds to the text: any bytes, not always whole characters.</param>
/// <param name="Logprob">Natural logarithm of its probability.</param>
public readonly record struct TokenProbability(int Id, ReadOnlyMemory<byte> Bytes, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] float Logprob)
{
    /// <summary>
    /// Characters (code points) that begin in the token: every byte but a continuation byte of UTF-8 begins one, so
    /// that sums stay exact where a character spans tokens.
    /// </summary>
    public int CharactersBegun
    {
        get
        {
            var count = 0;
            foreach (var value in Bytes.Span)
            {
                count += (value & 0xC0) == 0x80 ? 0 : 1;
            }

            return count;
        }
    }
}

/// <summary>Token counts of a stream.</summary>
/// <param name="PromptTokens">Tokens of the prompt.</param>
/// <param name="CachedTokens">Of these, the tokens whose keys and values were already in the cache.</param>
/// <param name="CompletionTokens">Tokens generated, over all choices, the one that ended a choice included.</param>
public sealed record StreamUsage(int PromptTokens, int CachedTokens, int CompletionTokens);

/// <summary>Where a stream's time went.</summary>
/// <param name="Queue">From arrival to the first step that worked on it.</param>
/// <param name="Prefill">From there to the end of its prompt.</param>
/// <param name="Decode">From there to its end.</param>
/// <param name="TimeToFirstToken">From arrival to the first non-empty text; null where there was none.</param>
public sealed record StreamTimings(TimeSpan Queue, TimeSpan Prefill, TimeSpan Decode, TimeSpan? TimeToFirstToken)
{
    /// <summary>What it rested between its arrival and its end; part of none of the others but <see cref="TimeToFirstToken"/>.</summary>
    public TimeSpan Paused { get; init; }
}
