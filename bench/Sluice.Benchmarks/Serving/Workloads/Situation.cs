using Sluice.Benchmarks.Serving.Client;
using Sluice.Benchmarks.Serving.Servers;

namespace Sluice.Benchmarks.Serving.Workloads;

/// <summary>One run of a workload against one server. The random numbers are the same for every server of a run, and new in each run.</summary>
internal sealed class Situation(Target target, Prompts prompts, Random random, CancellationToken deadline)
{
    // More would only fill the server's accept queue.
    private const int OpenedAtOnce = 250;

    public Target Target => target;

    public Prompts Prompts => prompts;

    public Random Random => random;

    /// <summary>When the run is given up.</summary>
    public CancellationToken Deadline => deadline;

    public int[] NewPrompt(int tokens) => prompts.Tokens(tokens, random);

    public async Task<List<Connection>> OpenAsync(int count)
    {
        var connections = new List<Connection>(count);
        while (connections.Count < count)
        {
            var wave = Math.Min(OpenedAtOnce, count - connections.Count);
            connections.AddRange(await Task.WhenAll(Enumerable.Range(0, wave).Select(_ => Connection.OpenAsync(target.EndPoint))));
        }

        await Task.Yield(); // off the thread that receives
        return connections;
    }

    public static void Close(IEnumerable<Connection> connections)
    {
        foreach (var connection in connections)
            connection.Dispose();
    }

    /// <summary>Runs one stream to its end, or until <paramref name="abandon"/>.</summary>
    public Task<StreamRecord> CompleteAsync(Connection connection, int[] prompt, int maxTokens, CancellationToken abandon = default)
        => Start(connection, prompt, maxTokens, abandon).Ended;

    /// <summary>Starts one stream; its record fills while it runs.</summary>
    public (StreamRecord Record, Task<StreamRecord> Ended) Start(Connection connection, int[] prompt, int maxTokens, CancellationToken abandon = default)
        => Start(connection, target.Requests.Completion(prompt, maxTokens, prompts), keepsText: false, abandon);

    /// <summary>Runs one turn of a conversation to its end.</summary>
    public Task<StreamRecord> ChatAsync(Connection connection, IReadOnlyList<(string Role, string Content)> messages, int maxTokens)
        => Start(connection, target.Requests.Chat(messages, maxTokens), keepsText: true, CancellationToken.None).Ended;

    /// <summary>Runs a prompt on each of new connections, all sent at the same moment.</summary>
    public async Task<IReadOnlyList<StreamRecord>> CompleteTogetherAsync(IReadOnlyList<int[]> allPrompts, int maxTokens)
    {
        var connections = await OpenAsync(allPrompts.Count);
        var requests = allPrompts.Select(prompt => target.Requests.Completion(prompt, maxTokens, prompts)).ToList();
        var ended = connections.Zip(requests, (connection, request) => Start(connection, request, keepsText: false, CancellationToken.None).Ended).ToList();
        var records = await Task.WhenAll(ended);
        await Task.Yield();
        Close(connections);
        return records;
    }

    private (StreamRecord Record, Task<StreamRecord> Ended) Start(Connection connection, byte[] request, bool keepsText, CancellationToken abandon)
    {
        var record = new StreamRecord();
        return (record, RunAsync());

        async Task<StreamRecord> RunAsync()
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(abandon, deadline);
            await connection.RunAsync(request, record, keepsText, either.Token);
            if (record.Abandoned && deadline.IsCancellationRequested)
                record.Failure = "The stream had not ended when the run's time was over.";

            return record;
        }
    }
}
