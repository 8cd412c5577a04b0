using System.Threading.Channels;

namespace Sluice.Server.Protocols.WebSocket;

/// <summary>
/// Decides what one connection sends next: replies and the events of its streams take turns, one message or event
/// each. A stream that has nothing to tell, or may not tell it yet, waits outside the queue and holds nobody. Nothing
/// is rendered before its turn, so that a stream's only buffer is its log.
/// </summary>
internal sealed class Multiplexer(TimeProvider clock)
{
    /// <summary>Replies that may wait; beyond that the client's next message is not read until it reads what it asked for.</summary>
    private const int MostReplies = 64;

    private readonly Channel<Turn> _turns = Channel.CreateUnbounded<Turn>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Channel<Reply> _replies = Channel.CreateBounded<Reply>(MostReplies);

    public TimeProvider Clock => clock;

    /// <summary>Queues a message that is written by now.</summary>
    public async ValueTask ReplyAsync(Action<OutgoingMessages> write, CancellationToken cancellationToken)
    {
        var reply = new Reply(write, _replies.Reader);
        await _replies.Writer.WriteAsync(reply, cancellationToken);
        _turns.Writer.TryWrite(reply);
    }

    /// <summary>Queues somebody who has something to tell. Whoever has a turn or waits for one is not queued again.</summary>
    public void Enqueue(Turn turn) => _turns.Writer.TryWrite(turn);

    /// <summary>Ends <see cref="RunAsync"/> once it has given everybody a turn who is queued now.</summary>
    public void Complete() => _turns.Writer.TryComplete();

    /// <summary>Gives turns, and hands what is written in each to <paramref name="send"/>, until <see cref="Complete"/>.</summary>
    public async Task RunAsync(Func<OutgoingMessages, ValueTask> send, CancellationToken cancellationToken)
    {
        using var output = new OutgoingMessages();
        await foreach (var turn in _turns.Reader.ReadAllAsync(cancellationToken))
        {
            var wantsMore = turn.Write(output);
            if (output.Count > 0)
            {
                await send(output);
                output.Clear();
            }

            turn.Sent();
            if (wantsMore)
            {
                Enqueue(turn);
            }
        }
    }

    private sealed class Reply(Action<OutgoingMessages> write, ChannelReader<Reply> waiting) : Turn
    {
        public override bool Write(OutgoingMessages output)
        {
            write(output);
            return false;
        }

        // Replies are sent in the order they were queued in, so that this is the one.
        public override void Sent() => waiting.TryRead(out _);
    }
}
