using System.Text;
using System.Threading.Channels;
using Sluice.Engine;
using Sluice.Engine.Requests;
using Sluice.Engine.Tokens.Templates;
using Sluice.Streams;

namespace Sluice.Server.Tests.Scripted;

/// <summary>An engine that says what its test tells it to, when it tells it to.</summary>
public sealed class ScriptedEngine : IInferenceEngine
{
    /// <summary>ChatML, as a template.</summary>
    public const string ChatMl =
        "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

    private readonly Channel<ScriptedStream> _started = Channel.CreateUnbounded<ScriptedStream>();

    private TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when somebody starts a stream from here on.</summary>
    public Task NextStart => Volatile.Read(ref _next).Task;

    public LoadedModel Model { get; init; } = new()
    {
        Id = "scripted",
        Architecture = "script",
        Parameters = 1_500_000,
        TensorType = "F32",
        FileSize = 6_000_000,
        ContextLength = 256,
        Tokenizer = new ByteTokenizer(),
        ChatTemplate = ChatTemplate.Parse(ChatMl),
        Created = DateTimeOffset.UnixEpoch,
    };

    /// <summary>Says what the engine is at.</summary>
    public Func<EngineStatus>? ReadStatus { get; init; }

    public EngineStatus Status => ReadStatus?.Invoke() ?? default;

    /// <summary>Plays every stream by itself where it is set; else the test takes them from <see cref="NextAsync"/>.</summary>
    public Action<ScriptedStream>? Script { get; init; }

    /// <summary>What every request is told instead of being started, where it is set.</summary>
    public QueueFull? Full { get; init; }

    public QueueFull? Start(GenerationRequest request, IStreamWriter output, CancellationToken stop)
    {
        if (Full is not null)
        {
            return Full;
        }

        Play(new ScriptedStream(request, output, stop));
        return null;
    }

    public void Continue(GenerationRequest request, IReadOnlyList<StreamEvent> told, IStreamWriter output, CancellationToken stop)
        => Play(new ScriptedStream(request, output, stop, told));

    /// <summary>The next stream that somebody started.</summary>
    public async Task<ScriptedStream> NextAsync() => await Patience.For(_started.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask());

    private void Play(ScriptedStream stream)
    {
        Interlocked.Exchange(ref _next, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
        if (Script is not null)
        {
            Script(stream);
        }
        else
        {
            _started.Writer.TryWrite(stream);
        }
    }
}

/// <summary>One generation under the test's control. Behaves as the engine does when it is stopped.</summary>
public sealed class ScriptedStream
{
    private readonly Lock _gate = new();
    private readonly IStreamWriter _output;
    private readonly HashSet<int> _open;
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _completionTokens;
    private bool _ended;

    public ScriptedStream(GenerationRequest request, IStreamWriter output, CancellationToken stop, IReadOnlyList<StreamEvent>? told = null)
    {
        (Request, Told, _output) = (request, told ?? [], output);
        if (told is null)
        {
            output.Append(new StreamStarted(request.Prompt.Length));
        }

        _completionTokens = Told.OfType<StreamDelta>().Sum(static delta => delta.IsPrompt ? 0 : delta.Tokens.Length);
        _open = [.. Enumerable.Range(0, request.Choices).Except(Told.OfType<StreamDelta>().Where(static delta => delta.Finish is not null).Select(static delta => delta.Choice))];
        stop.Register(Cancel);
    }

    /// <summary>What another process said of it.</summary>
    public IReadOnlyList<StreamEvent> Told { get; }

    public GenerationRequest Request { get; }

    /// <summary>Completes when somebody stops the generation before its end.</summary>
    public Task Stopped => Patience.For(_stopped.Task);

    /// <summary>Whether the engine would end the choice here, because nothing more of it would be told.</summary>
    public bool HasEnough(int choice = 0) => _output.HasEnough(choice);

    /// <summary>Generates a text, a token for each byte. Log probabilities are −1, −2 and so on by token of the delta; the alternatives are A, B …</summary>
    public void Say(string text, int choice = 0) => Say(Encoding.UTF8.GetBytes(text), text, choice);

    /// <summary>Tells what is no part of the answer.</summary>
    public void Tell(StreamEvent streamEvent)
    {
        lock (_gate)
        {
            _output.Append(streamEvent);
        }
    }

    /// <summary>Generates tokens of which <paramref name="text"/> is certain by now.</summary>
    public void Say(byte[] tokens, string text, int choice = 0)
    {
        lock (_gate)
        {
            _completionTokens += tokens.Length;
            _output.Append(new StreamDelta(choice, text, [.. tokens.Select((token, i) => new StreamToken(token, Logprobs(token, -1 - i)))]));
        }
    }

    /// <summary>Echoes the prompt, as the engine does where the request asks for it.</summary>
    public void EchoPrompt(int choice = 0)
    {
        var tokens = Request.Prompt.Select((token, i) => new StreamToken(token, Logprobs(token, i == 0 ? float.NaN : -i)));
        lock (_gate)
        {
            _output.Append(new StreamDelta(choice, new ByteTokenizer().Decode(Request.Prompt.AsSpan(), includeSpecial: false), [.. tokens]) { IsPrompt = true });
        }
    }

    /// <summary>Ends a choice, and with the last one the stream.</summary>
    public void Finish(FinishReason reason = FinishReason.Stop, int choice = 0, string text = "", string? stopString = null, StopDetail? detail = null)
    {
        lock (_gate)
        {
            _open.Remove(choice);
            _output.Append(new StreamDelta(choice, text, [], reason) { StopString = stopString, StopDetail = detail });
            if (_open.Count == 0)
            {
                _ended = true;
                _output.Append(new StreamFinished(
                    new StreamUsage(Request.Prompt.Length, 1, _completionTokens),
                    new StreamTimings(TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(300), TimeSpan.FromMilliseconds(21))));
            }
        }
    }

    public void Fail(string code, string message)
    {
        lock (_gate)
        {
            _ended = true;
            _output.Append(new StreamFailed(code, message));
        }
    }

    private void Cancel()
    {
        lock (_gate)
        {
            if (!_ended)
            {
                foreach (var choice in _open.ToArray())
                {
                    Finish(FinishReason.Cancelled, choice);
                }

                _stopped.SetResult();
            }
        }
    }

    private TokenLogprobs? Logprobs(int token, float logprob)
    {
        if (Request.Logprobs is not { } count)
        {
            return null;
        }

        var tokenizer = new ByteTokenizer();
        return new TokenLogprobs(
            new TokenProbability(token, Bytes(token), logprob),
            [.. Enumerable.Range(0, count).Select(i => new TokenProbability('A' + i, Bytes('A' + i), -0.5f - i))]);

        byte[] Bytes(int id) => tokenizer.IsControl(id) ? [] : tokenizer.GetBytes(id).ToArray();
    }
}
