using System.Net;
using System.Net.Sockets;

namespace Sluice.Web.Tests.Browser;

/// <summary>
/// The network between the browser and a server. When it goes, streams that are open die without a word: nothing comes
/// over them any more, and nobody is told. Everything else is reset.
/// </summary>
internal sealed class Link : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _closed = new();
    private readonly List<Relay> _relays = [];
    private readonly Uri _server;
    private readonly Task _accepting;
    private volatile bool _isDown;

    public Link(Uri server)
    {
        _server = server;
        _listener.Start();
        Address = new UriBuilder(server) { Port = ((IPEndPoint)_listener.LocalEndpoint).Port }.Uri;
        _accepting = AcceptAsync();
    }

    /// <summary>The server's address by this link.</summary>
    public Uri Address { get; }

    public void GoDown()
    {
        _isDown = true;
        lock (_relays)
        {
            foreach (var relay in _relays)
            {
                relay.Cut();
            }
        }
    }

    public void ComeBack() => _isDown = false;

    public async ValueTask DisposeAsync()
    {
        await _closed.CancelAsync();
        _listener.Stop();
        await _accepting;
        lock (_relays)
        {
            foreach (var relay in _relays)
            {
                relay.Dispose();
            }
        }

        _listener.Dispose();
        _closed.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var browser = await _listener.AcceptSocketAsync(_closed.Token);
                if (_isDown)
                {
                    browser.Close(timeout: 0);
                    continue;
                }

                var server = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                await server.ConnectAsync(_server.Host, _server.Port, _closed.Token);
                var relay = new Relay(browser, server);
                lock (_relays)
                {
                    _relays.Add(relay);
                }

                relay.Start();
            }
        }
        catch (Exception fault) when (fault is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private sealed class Relay(Socket browser, Socket server) : IDisposable
    {
        private volatile bool _isStream;
        private volatile bool _isDead;

        public void Start()
        {
            _ = CopyAsync(browser, server, isAnswer: false);
            _ = CopyAsync(server, browser, isAnswer: true);
        }

        public void Cut()
        {
            _isDead = true;
            server.Close(timeout: 0);
            if (!_isStream)
            {
                browser.Close(timeout: 0);
            }
        }

        public void Dispose()
        {
            browser.Dispose();
            server.Dispose();
        }

        private async Task CopyAsync(Socket from, Socket to, bool isAnswer)
        {
            var buffer = new byte[16 * 1024];
            try
            {
                while (await from.ReceiveAsync(buffer) is > 0 and var count && !_isDead)
                {
                    _isStream |= isAnswer && buffer.AsSpan(0, count).IndexOf("text/event-stream"u8) >= 0;
                    await to.SendAsync(buffer.AsMemory(0, count));
                }
            }
            catch (Exception fault) when (fault is SocketException or ObjectDisposedException)
            {
                // One side has gone.
            }

            if (!_isDead)
            {
                Dispose();
            }
        }
    }
}
