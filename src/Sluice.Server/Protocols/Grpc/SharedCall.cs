using Google.Protobuf;
using Sluice.Server.Protocols.Grpc.Calls;
using Sluice.Streams;

namespace Sluice.Server.Protocols.Grpc;

/// <summary>
/// A call over which several streams are read, each by a reader of its own, which waits for its own stream alone. What they
/// share is the turn to write one message.
/// </summary>
internal sealed class SharedCall : IDisposable
{
    private readonly GrpcCall _call;
    private readonly CancellationTokenSource _end;
    private readonly CancellationTokenSource _listening;
    private readonly SemaphoreSlim _turn = new(1, 1);

    // Touched by the one that takes the client's messages only; what has ended is swept when something begins.
    private readonly List<Task> _readers = [];
    private readonly List<GenerationStream> _started = [];

    public SharedCall(GrpcCall call)
    {
        _call = call;
        _end = CancellationTokenSource.CreateLinkedTokenSource(call.Ended);
        _listening = CancellationTokenSource.CreateLinkedTokenSource(_end.Token, call.Closing);
    }

    /// <summary>Cancelled when the call ends: nobody waits for it any longer, or one of its readers failed.</summary>
    public CancellationToken End => _end.Token;

    /// <summary>Takes the client's messages to the last, and waits for the readers. A client that gives up stops what it started.</summary>
    public async Task RunAsync<T>(MessageParser<T> parser, Func<T, Task> act)
        where T : class, IMessage<T>
    {
        try
        {
            await _call.StartAsync();
            await ListenAsync(parser, act);
            await Task.WhenAll(_readers); // throws what one of them threw
            _end.Token.ThrowIfCancellationRequested();
            if (_call.Closing.IsCancellationRequested)
            {
                throw _call.WhyClosed();
            }
        }
        finally
        {
            await _end.CancelAsync();
            await Task.WhenAll(_readers).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (await _call.IsGivenUpAsync())
            {
                StopStarted();
            }
        }
    }

    /// <summary>Has a stream stopped when the client gives the call up, unless it was asked to go on without readers.</summary>
    public void Own(GenerationStream stream)
    {
        _started.RemoveAll(static started => started.Look().End is not null);
        _started.Add(stream);
    }

    /// <summary>Reads a stream to the client, beside what else goes on.</summary>
    public void Read(Func<Task> reader)
    {
        _readers.RemoveAll(static reader => reader.IsCompletedSuccessfully);
        _readers.Add(Task.Run(async () =>
        {
            try
            {
                await reader();
            }
            catch
            {
                // The call cannot be what it promised without one of its readers.
                await _end.CancelAsync();
                throw;
            }
        }));
    }

    /// <summary>Sends a message when it is its turn, as soon as flow control lets it.</summary>
    public async Task SendAsync(IMessage message)
    {
        await _turn.WaitAsync(End);
        try
        {
            _call.Write(message);
            await _call.FlushAsync();
        }
        finally
        {
            _turn.Release();
        }
    }

    public void Dispose()
    {
        _turn.Dispose();
        _listening.Dispose();
        _end.Dispose();
    }

    /// <summary>Takes messages until there are no more, or nobody is to be listened to any longer.</summary>
    private async Task ListenAsync<T>(MessageParser<T> parser, Func<T, Task> act)
        where T : class, IMessage<T>
    {
        try
        {
            while (await _call.ReadAsync(parser, _listening.Token) is { } message)
            {
                await act(message);
            }
        }
        catch (OperationCanceledException)
        {
            // Who still reads is told the end by its stream, or ends with the call.
        }
    }

    private void StopStarted()
    {
        foreach (var stream in _started)
        {
            if (stream.OnDisconnect != DisconnectPolicy.Continue)
            {
                stream.Stop(StopCause.Request);
            }
        }
    }
}
