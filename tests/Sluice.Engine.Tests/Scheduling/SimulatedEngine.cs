using Sluice.Engine.Cache;
using Sluice.Engine.Requests;
using Sluice.Engine.Sampling;
using Sluice.Engine.Scheduling;
using Sluice.Streams;

namespace Sluice.Engine.Tests.Scheduling;

/// <summary>
/// The scheduler with a model that computes nothing: what would be a position's key and value is a hash of all tokens
/// up to it, and the next token follows from that hash. After every step it checks that every sequence found in its
/// blocks what it would have put there itself, that blocks are counted rightly, and that nothing was computed which
/// the prefix index had.
/// </summary>
internal sealed class SimulatedEngine : IDisposable
{
    private readonly Candidates _candidates = new(ByteTokenizer.Size);
    private readonly int _context;

    public SimulatedEngine(int blocks, int context, int maxSequences = 8)
    {
        Assert.True(context <= blocks * KvLayout.BlockSize);
        _context = context;
        Pool = new BlockPool(new KvLayout(1, 1, 8, KvType.F16), blocks);
        Scheduler = new Scheduler(Pool, maxSequences);
    }

    public BlockPool Pool { get; }

    public Scheduler Scheduler { get; }

    /// <summary>Positions computed so far, of all sequences.</summary>
    public int Positions { get; private set; }

    /// <summary>Steps, counted for each sequence, in which one that had begun its answer was not running.</summary>
    public int Preemptions { get; private set; }

    public void Dispose() => Pool.Dispose();

    public Sequence Add(IEnumerable<int> prompt, int limit = 1000, string salt = "", IStreamWriter? output = null, int choices = 1, CancellationTokenSource? stop = null, string caller = "")
    {
        var request = new GenerationRequest { Prompt = [.. prompt], MaxTokens = limit, PrefixSalt = salt, Choices = choices, Caller = caller, Sampling = new() { Temperature = 0 } };
        var generation = new Generation(request, output ?? new StreamLog(), TimeProvider.System, stop?.Token ?? CancellationToken.None);
        var sequence = new Sequence(generation, new ByteTokenizer(), Pool, _context);
        Scheduler.Add(sequence);
        return sequence;
    }

    /// <summary>One step, as the engine does it; its runs. Where it fails, nothing of it is computed.</summary>
    public List<BatchRun> Step(int budget, bool fails = false)
    {
        Scheduler.Attend();
        var batch = Scheduler.Next(TokenBudget.OfTokens(budget));
        var runs = batch.Runs.ToArray().ToList();
        Preemptions += Preempted();
        CheckNothingIsComputedTwice(runs);
        if (fails)
        {
            Scheduler.Fail(batch, new InvalidOperationException("A test."));
        }
        else
        {
            runs.ForEach(Compute);
            runs.ForEach(static run => run.Sequence.Advance(run.Count));
            foreach (var (sequence, row) in batch.LogitRows)
            {
                var logits = new float[ByteTokenizer.Size];
                logits['a' + (HashOf(sequence, batch.Positions[row]) % 8)] = 1;
                var position = batch.Positions[row];
                Sluice.Engine.Scheduling.Step.Settle(sequence, position, sequence.Read(position, logits, _candidates), logits, _candidates, Scheduler);
            }
        }

        Scheduler.RemoveEnded();
        CheckCounts();
        return runs;
    }

    public void RunToEnd(int budget = 64)
    {
        for (var step = 0; Scheduler.HasWork; step++)
        {
            Assert.True(step < 20_000, "The scheduler makes no progress.");
            Assert.NotEmpty(Step(budget));
        }
    }

    private int Preempted()
    {
        var count = 0;
        foreach (var sequence in Scheduler.WaitingSequences)
        {
            count += sequence.Tokens.Length > sequence.Generation.Request.Prompt.Length ? 1 : 0;
        }

        return count;
    }

    private void Compute(BatchRun run)
    {
        Assert.True(run.Blocks.Capacity >= run.Start + run.Count, "The run has no room.");
        for (var position = 0; position < run.Start; position++)
        {
            Assert.True(At(run, position) == HashOf(run.Sequence, position), $"Position {position} holds what belongs to another sequence.");
        }

        for (var position = run.Start; position < run.Start + run.Count; position++)
        {
            Assert.True(Pool.References(run.Blocks[position / KvLayout.BlockSize]) == 1, "A block that others use is written.");
            At(run, position) = HashOf(run.Sequence, position);
        }

        Positions += run.Count;
    }

    private ref ulong At(BatchRun run, int position) => ref At(run.Blocks[position / KvLayout.BlockSize], position % KvLayout.BlockSize);

    private unsafe ref ulong At(int block, int slot) => ref ((ulong*)Pool.At(block))[slot];

    /// <summary>A block's last position stands for the block. One that holds a sequence's last token has to be computed by itself.</summary>
    private void CheckNothingIsComputedTwice(List<BatchRun> runs)
    {
        var known = Enumerable.Range(0, Pool.Total).Where(Pool.Prefixes.IsReady)
            .Select(block => At(block, KvLayout.BlockSize - 1)).ToHashSet();
        foreach (var run in runs)
        {
            for (var last = (run.Start / KvLayout.BlockSize * KvLayout.BlockSize) + KvLayout.BlockSize - 1; last < run.Start + run.Count && last < run.Sequence.Tokens.Length - 1; last += KvLayout.BlockSize)
            {
                Assert.True(known.Add(HashOf(run.Sequence, last)), $"The block that ends at {last} was there, or is computed twice in one step.");
            }
        }
    }

    private void CheckCounts()
    {
        Assert.Equal(Pool.Total, Pool.Free + Pool.Cached + Pool.Used);
        var holders = new int[Pool.Total];
        foreach (var sequence in (Sequence[])[.. Scheduler.RunningSequences, .. Scheduler.WaitingSequences])
        {
            for (var i = 0; i < sequence.Blocks.Count; i++)
            {
                holders[sequence.Blocks[i]]++;
            }
        }

        Assert.Equal(holders, Enumerable.Range(0, Pool.Total).Select(Pool.References));
        Assert.Equal(Pool.Used, holders.Count(static count => count > 0));
    }

    private static ulong HashOf(Sequence sequence, int position)
    {
        var hash = 14695981039346656037UL; // FNV-1a, deterministic
        foreach (var character in sequence.Generation.Request.PrefixSalt)
        {
            hash = (hash ^ character) * 1099511628211UL;
        }

        foreach (var token in sequence.Tokens[..(position + 1)])
        {
            hash = (hash ^ (ulong)(token + 1)) * 1099511628211UL;
        }

        return hash ^ (hash >> 29);
    }
}
