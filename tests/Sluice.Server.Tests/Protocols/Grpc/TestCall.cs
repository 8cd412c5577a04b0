using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using Google.Protobuf;
using Sluice.Server.Protocols.Grpc.Calls;
using Sluice.Server.Protocols.Grpc.Calls.Wire;
using Sluice.Server.Tests.Scripted;

namespace Sluice.Server.Tests.Protocols.Grpc;

/// <summary>A call as a client makes it, over HttpClient's HTTP/2: messages both ways at any time, and the status at the end.</summary>
internal sealed class TestCall : IDisposable
{
    private readonly CancellationTokenSource _cancel = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
    private readonly DuplexContent _content = new();
    private readonly Task<HttpResponseMessage> _response;
    private Stream? _body;

    public TestCall(TestServer server, string method, params (string Name, string Value)[] metadata)
        : this(server.GrpcClient, method, metadata)
    {
    }

    public TestCall(HttpClient client, string method, params (string Name, string Value)[] metadata)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/" + method) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact, Content = _content };
        request.Headers.TryAddWithoutValidation("te", "trailers");
        foreach (var (name, value) in metadata)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        _response = client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, _cancel.Token);
    }

    public async Task<HttpResponseMessage> HeadAsync() => await Patience.For(_response);

    public async Task<string> MetadataAsync(string name) => (await HeadAsync()).Headers.GetValues(name).Single();

    public async Task WriteAsync(IMessage message)
    {
        var frame = new ArrayBufferWriter<byte>();
        MessageFrame.Write(frame, message, mayCompress: false);
        await WriteAsync(frame.WrittenMemory);
    }

    public async Task WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        if (await Patience.For(Task.WhenAny(_content.Opened, _response)) == _response)
        {
            await _response; // it may have failed before there was anywhere to write to
        }

        var stream = await Patience.For(_content.Opened);
        await Patience.For(stream.WriteAsync(bytes, _cancel.Token).AsTask());
        await Patience.For(stream.FlushAsync(_cancel.Token));
    }

    /// <summary>Ends the client's side.</summary>
    public void Complete() => _content.Complete();

    /// <summary>The next message; null where there are no more.</summary>
    public async Task<T?> TryReadAsync<T>(MessageParser<T> parser)
        where T : class, IMessage<T>
    {
        _body ??= await (await HeadAsync()).Content.ReadAsStreamAsync(_cancel.Token);
        var prefix = new byte[MessageFrame.PrefixLength];
        if (await Patience.For(_body.ReadAtLeastAsync(prefix, prefix.Length, throwOnEndOfStream: false, _cancel.Token).AsTask()) == 0)
        {
            return null;
        }

        var payload = new byte[BinaryPrimitives.ReadInt32BigEndian(prefix.AsSpan(1))];
        await Patience.For(_body.ReadExactlyAsync(payload, _cancel.Token).AsTask());
        IsCompressed = prefix[0] == 1;
        return parser.ParseFrom(new MessageFrame(IsCompressed, new ReadOnlySequence<byte>(payload)).Open(isGzip: true, int.MaxValue - 1));
    }

    /// <summary>Whether the last message was compressed.</summary>
    public bool IsCompressed { get; private set; }

    public async Task<T> ReadAsync<T>(MessageParser<T> parser)
        where T : class, IMessage<T>
        => await TryReadAsync(parser) ?? throw new InvalidOperationException($"The call ended: {await StatusAsync()}");

    public async Task<List<T>> RestAsync<T>(MessageParser<T> parser)
        where T : class, IMessage<T>
    {
        var all = new List<T>();
        while (await TryReadAsync(parser) is { } message)
        {
            all.Add(message);
        }

        return all;
    }

    /// <summary>How the call ended; whatever messages there still are, are thrown away.</summary>
    public async Task<TestStatus> StatusAsync()
    {
        var response = await HeadAsync();
        _body ??= await response.Content.ReadAsStreamAsync(_cancel.Token);
        await Patience.For(_body.CopyToAsync(Stream.Null, _cancel.Token));
        return TestStatus.Of(response.TrailingHeaders.Contains("grpc-status") ? response.TrailingHeaders : response.Headers);
    }

    /// <summary>Cancels the call: its HTTP/2 stream is reset.</summary>
    public async Task CancelAsync()
    {
        var response = await HeadAsync();
        response.Dispose(); // before its end: that is what resets it
    }

    public void Dispose()
    {
        _content.Complete();
        _cancel.Cancel();
        _ = _response.ContinueWith(static task => task.Exception, TaskScheduler.Default);
        _cancel.Dispose();
    }

    private sealed class DuplexContent : HttpContent
    {
        private readonly TaskCompletionSource<Stream> _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _completed = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public DuplexContent() => Headers.ContentType = new MediaTypeHeaderValue("application/grpc");

        public Task<Stream> Opened => _opened.Task;

        public void Complete() => _completed.TrySetResult();

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            await stream.FlushAsync(cancellationToken);
            _opened.TrySetResult(stream);
            await _completed.Task.WaitAsync(cancellationToken);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}

/// <summary>A call's status as it came.</summary>
internal sealed record TestStatus(GrpcCode Code, string Message, Status? Details)
{
    public static TestStatus Of(HttpHeaders headers)
    {
        var details = headers.TryGetValues("grpc-status-details-bin", out var values) ? values.Single() : null;
        return new TestStatus(
            (GrpcCode)int.Parse(headers.GetValues("grpc-status").Single(), CultureInfo.InvariantCulture),
            Uri.UnescapeDataString(headers.TryGetValues("grpc-message", out var message) ? message.Single() : ""),
            details is null ? null : Status.Parser.ParseFrom(Convert.FromBase64String(details.PadRight((details.Length + 3) / 4 * 4, '='))));
    }

    public T? Detail<T>()
        where T : class, IMessage, new()
        => Details?.Details.FirstOrDefault(detail => detail.Is(new T().Descriptor))?.Unpack<T>();
}
