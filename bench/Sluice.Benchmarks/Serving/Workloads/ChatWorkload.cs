using Sluice.Benchmarks.Serving.Client;
using Sluice.Benchmarks.Serving.Measures;

namespace Sluice.Benchmarks.Serving.Workloads;

/// <summary>People who talk: each turn sends the conversation so far again, over the connection of the turn before.</summary>
internal sealed class ChatWorkload : Workload
{
    private const int Users = 8;
    private const int Turns = 4;
    private const int SystemTokens = 96;
    private const int QuestionTokens = 48;
    private const int AnswerTokens = 64;

    public override string Family => "chat";

    public override string Description
        => $"{Users} users × {Turns} turns over kept-alive connections: an instruction of about {SystemTokens} tokens, questions of about {QuestionTokens}, answers of {AnswerTokens}";

    // Random words encode as up to twice the tokens they were made of, and an answer's text encodes anew.
    public override int Context => 2 * (SystemTokens + (Turns * (QuestionTokens + AnswerTokens)));

    public override async Task<WorkloadResult> RunAsync(Situation situation)
    {
        var connections = await situation.OpenAsync(Users);
        var users = connections.Select(connection => new User(situation, connection)).ToList();
        await Task.WhenAll(users.Select(user => user.TalkAsync()));
        await Task.Yield();
        Situation.Close(connections);
        List<StreamRecord> streams = [.. users.SelectMany(user => user.Answers)];
        List<StreamRecord> laterTurns = [.. users.SelectMany(user => user.Answers.Skip(1))];
        return new WorkloadResult(streams,
        [
            .. Rates.Latencies(streams, ttftIsHeadline: true),
            Rates.Milliseconds("TTFT p50 after the first turn", Rates.TimesToFirstToken(laterTurns).P50),
            Rates.PerSecond("output", Rates.OutputTokens(streams)),
            Rates.CachedTokens(streams),
            new Metric("connections opened again", "", Better.Lower, connections.Sum(connection => connection.Reconnects)),
        ]);
    }

    private sealed class User
    {
        private readonly Situation _situation;
        private readonly Connection _connection;
        private readonly string _instruction;
        private readonly string[] _questions;

        // The words are chosen before anybody talks, so that they do not depend on who is answered first.
        public User(Situation situation, Connection connection)
        {
            (_situation, _connection) = (situation, connection);
            _instruction = situation.Prompts.Words(SystemTokens, situation.Random);
            _questions = [.. Enumerable.Range(0, Turns).Select(_ => situation.Prompts.Words(QuestionTokens, situation.Random))];
        }

        public List<StreamRecord> Answers { get; } = [];

        public async Task TalkAsync()
        {
            var messages = new List<(string Role, string Content)> { ("system", _instruction) };
            foreach (var question in _questions)
            {
                messages.Add(("user", question));
                await _connection.EnsureOpenAsync();
                var answer = await _situation.ChatAsync(_connection, messages, AnswerTokens);
                Answers.Add(answer);
                messages.Add(("assistant", answer.Text));
            }
        }
    }
}
