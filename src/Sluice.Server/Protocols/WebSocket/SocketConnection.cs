using System.Net.WebSockets;
using Sluice.Streams;
using Socket = System.Net.WebSockets.WebSocket;

namespace Sluice.Server.Protocols.WebSocket;

/// <summary>
/// One WebSocket from its first message to its close: one task reads messages and hands them to the protocol, one
/// sends what the multiplexer gives it.
/// </summary>
/// <param name="socket">The socket, which whoever accepted it disposes.</param>
/// <param name="reset">Resets the connection under the socket, whatever waits in it.</param>
/// <param name="makeProtocol">Makes what messages mean, given where replies and streams take their turns.</param>
/// <param name="limits">What it may take.</param>
/// <param name="streams">Whose limits say how long the client may take nothing of what waits for it, and whose counters that it was cut.</param>
/// <param name="clock">The clock.</param>
#pragma warning disable CA1001 // The source of the token is not disposed: a timer that fires at the end may still cancel it.
internal sealed class SocketConnection(Socket socket, Action reset, Func<Multiplexer, ISocketProtocol> makeProtocol, SocketLimits limits, StreamRegistry streams, TimeProvider clock)
#pragma warning restore CA1001
{
    private readonly TaskCompletionSource<SocketEnd> _end = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _over = new();
    private readonly Multiplexer _turns = new(clock);
    private ISocketProtocol? _protocol;
    private volatile bool _isDraining;

    /// <summary>Ends the connection, unless it ends already. Its replies are sent before.</summary>
    public void End(SocketEnd end) => _end.TrySetResult(end);

    /// <summary>Ends the connection as soon as it reads no stream.</summary>
    public void Drain()
    {
        _isDraining = true;
        EndIfDrained();
    }

    /// <summary>Runs the connection to its end. Throws what the protocol did not expect, after the client was told.</summary>
    public async Task RunAsync()
    {
        _protocol = makeProtocol(_turns);
        EndIfDrained();
        var incoming = new IncomingMessages(socket, limits, clock);
        var writing = WriteAsync();
        var reading = ReadAsync(incoming, _protocol);
#pragma warning disable VSTHRD003 // It is nobody's work but a word, which End says.
        var end = await _end.Task;
#pragma warning restore VSTHRD003
        _protocol.Leave();
        _turns.Complete();
        await using (clock.CreateTimer(static connection => ((SocketConnection)connection!).Abort(), this, limits.ClosePatience, Timeout.InfiniteTimeSpan))
        {
            await writing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (await TryCloseAsync(end))
            {
                await reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                await TryDiscardAsync(incoming);
            }

            // No reset: what the framing answered to a broken rule may be on its way still.
            await _over.CancelAsync();
        }

        await Task.WhenAll(reading, writing).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _protocol.Leave(); // of what the last message may have begun
        await Task.WhenAll(reading, writing); // for what neither expected
    }

    private void EndIfDrained()
    {
        if (_isDraining && _protocol is { IsIdle: true })
        {
            End(SocketEnd.Drain);
        }
    }

    private async Task ReadAsync(IncomingMessages incoming, ISocketProtocol protocol)
    {
        try
        {
            await protocol.EnterAsync(_over.Token);
            SocketEnd? end;
            while ((end = await incoming.ReadAsync(_over.Token)) is null)
            {
                if (_end.Task.IsCompleted)
                {
                    continue; // it closes: what still comes is not heard
                }

                await protocol.HandleAsync(incoming.Message, _over.Token);
            }

            End(end.Value);
        }
        catch (Exception fault) when (fault is WebSocketException or OperationCanceledException)
        {
            End(SocketEnd.Lost);
        }
        catch
        {
            End(SocketEnd.Fault);
            throw;
        }
    }

    private async Task WriteAsync()
    {
        try
        {
            await _turns.RunAsync(SendAsync, _over.Token);
        }
        catch (Exception fault) when (fault is WebSocketException or OperationCanceledException)
        {
            End(SocketEnd.Lost);
        }
        catch
        {
            End(SocketEnd.Fault);
            throw;
        }
    }

    private async ValueTask SendAsync(OutgoingMessages messages)
    {
        for (var i = 0; i < messages.Count; i++)
        {
            var sending = socket.SendAsync(messages[i], WebSocketMessageType.Text, endOfMessage: true, _over.Token);
            if (sending.IsCompleted)
            {
                await sending;
            }
            else
            {
                await using var patience = clock.CreateTimer(static connection => ((SocketConnection)connection!).Cut(), this, streams.Limits.ReaderTimeout, Timeout.InfiniteTimeSpan);
                await sending;
            }
        }

        EndIfDrained();
    }

    /// <summary>Sends this side's half of the close, where there is somebody to tell.</summary>
    private async Task<bool> TryCloseAsync(SocketEnd end)
    {
        if (end.Code is not { } code || socket.State is not (WebSocketState.Open or WebSocketState.CloseReceived))
        {
            return false;
        }

        try
        {
            await socket.CloseOutputAsync(code, end.Reason, _over.Token);
            return true;
        }
        catch (Exception fault) when (fault is WebSocketException or OperationCanceledException)
        {
            return false; // it broke meanwhile
        }
    }

    /// <summary>Waits for the other side's half.</summary>
    private async Task TryDiscardAsync(IncomingMessages incoming)
    {
        try
        {
            await incoming.DiscardAsync(_over.Token);
        }
        catch (Exception fault) when (fault is WebSocketException or OperationCanceledException)
        {
            // It broke meanwhile, or took too long.
        }
    }

    private void Cut()
    {
        streams.Counters.ReaderCut();
        Abort();
    }

    private void Abort()
    {
        reset();
        _over.Cancel();
    }
}
