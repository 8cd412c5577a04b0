using Google.Protobuf;
using Sluice.Server.Protocols.Grpc.Calls;
using Sluice.Server.Protocols.Grpc.Calls.Wire;
using Sluice.Server.Protocols.Grpc.V1;
using Sluice.Server.Tests.Protocols.Grpc;
using Sluice.Server.Tests.Scripted;

namespace Sluice.Server.Tests.Access.Limits;

/// <summary>A call that starts one generation.</summary>
/// <typeparam name="T">What it answers with.</typeparam>
/// <param name="method">The method, behind its service.</param>
/// <param name="request">What starts the generation.</param>
/// <param name="answers">Reads an answer.</param>
/// <param name="errorOf">The error that an answer tells; null where it tells none.</param>
internal sealed class GrpcTransport<T>(string method, IMessage request, MessageParser<T> answers, Func<T, Error?> errorOf) : Transport
    where T : class, IMessage<T>
{
    public override string Name => "grpc " + method[(method.IndexOf('/', StringComparison.Ordinal) + 1)..];

    public override async Task<Attempt> StartAsync(TestServer server, string? key, string? host = null)
    {
        var metadata = new List<(string, string)>();
        if (key is not null)
        {
            metadata.Add(("authorization", $"Bearer {key}"));
        }

        if (host is not null)
        {
            metadata.Add(("Host", host));
        }

        var call = new TestCall(server, method, [.. metadata]);
        var started = server.Engine.NextStart;

        // A refusal at the door does not wait for the message, and may be there before it.
        await Task.WhenAny(WriteAsync(call), call.HeadAsync());
        var reading = call.TryReadAsync(answers);
        if (await Task.WhenAny(reading, started) == started)
        {
            return new Attempt(null, null, null, new Begun(call, reading)); // what it answers first may be the end
        }

        if (await reading is { } first)
        {
            return errorOf(first) is { } error
                ? Refuse((GrpcCode)error.Status, error.Reason, error.RetryDelay?.ToTimeSpan(), call)
                : new Attempt(null, null, null, new Begun(call, reading));
        }

        var status = await call.StatusAsync();
        return Refuse(status.Code, status.Detail<ErrorInfo>()!.Reason, status.Detail<RetryInfo>()?.RetryDelay.ToTimeSpan(), call);
    }

    public override async Task<bool> EndsWithErrorAsync(Attempt attempt)
    {
        var (call, reading) = (Begun)attempt.Connection;
        var first = await reading;
        var rest = await call.RestAsync(answers);
        return (first is not null && errorOf(first) is not null) || rest.Exists(answer => errorOf(answer) is not null) || (await call.StatusAsync()).Code != GrpcCode.Ok;
    }

    private async Task WriteAsync(TestCall call)
    {
        try
        {
            await call.WriteAsync(request);
            call.Complete();
        }
        catch (Exception fault) when (fault is OperationCanceledException or IOException or HttpRequestException or TimeoutException)
        {
            // The server takes nothing more; why is what the call tells.
        }
    }

    private static Attempt Refuse(GrpcCode code, string reason, TimeSpan? retryAfter, IDisposable call) => new(
        code switch
        {
            GrpcCode.Unauthenticated => Refused.Unauthenticated,
            GrpcCode.PermissionDenied => Refused.Forbidden,
            GrpcCode.ResourceExhausted => Refused.TooMuch,
            GrpcCode.Unavailable => Refused.Unavailable,
            _ => throw new InvalidOperationException($"The call ended with {code} ({reason})."),
        },
        reason.ToLowerInvariant(),
        retryAfter is { } wait ? Math.Ceiling(wait.TotalSeconds) : null,
        call);

    /// <summary>A call whose generation goes on, and its first answer, which may be to come.</summary>
    private sealed record Begun(TestCall Call, Task<T?> First) : IDisposable
    {
        public void Dispose()
        {
            _ = First.ContinueWith(static task => task.Exception, TaskScheduler.Default);
            Call.Dispose();
        }
    }
}
