using Sluice.Engine.Gguf;

namespace Sluice.Engine.Tests.Gguf.Fuzzing;

/// <summary>
/// Opens mutated files and hands those that parse to <paramref name="use"/>. Each case must end in a typed error or
/// in a file that can be used, and must allocate no more than the file's size and 64 MiB.
/// </summary>
/// <param name="samples">The files to mutate.</param>
/// <param name="use">Everything that is done with a file that parses.</param>
/// <param name="isTypedError">Whether an exception is one that a damaged file may end in.</param>
internal sealed class GgufFuzz(IReadOnlyList<GgufSample> samples, Action<GgufFile> use, Func<Exception, bool> isTypedError)
{
    private const long AllowedBeyondTheFile = 64L << 20;

    private readonly GgufMutator _mutator = new(samples);
    private volatile int _current;

    /// <summary>The seed of this run: SLUICE_FUZZ_SEED, or a new one for each process; a failure says how to repeat it.</summary>
    public static ulong Seed { get; } = ulong.TryParse(Environment.GetEnvironmentVariable("SLUICE_FUZZ_SEED"), out var set)
        ? set
        : (ulong)Random.Shared.NextInt64();

    /// <summary>Cases of a run: SLUICE_FUZZ_COUNT, or what the test asks for.</summary>
    public static int CountOr(int count) => int.TryParse(Environment.GetEnvironmentVariable("SLUICE_FUZZ_COUNT"), out var set) ? set : count;

    /// <summary>First case of a run: SLUICE_FUZZ_FIRST, or 0.</summary>
    public static int First { get; } = int.TryParse(Environment.GetEnvironmentVariable("SLUICE_FUZZ_FIRST"), out var set) ? set : 0;

    /// <summary>Cases that ended in a file that could be used.</summary>
    public int Used { get; private set; }

    /// <summary>Cases that ended in a typed error.</summary>
    public int Refused { get; private set; }

    /// <summary>Runs cases one after another on a thread of their own; one that does not end within <paramref name="limit"/> is a failure.</summary>
    public async Task RunAsync(ulong seed, int first, int count, TimeSpan limit)
    {
        var run = Task.Factory.StartNew(
            () =>
            {
                for (_current = first; _current < first + count; _current++)
                    RunCase(seed, _current);
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default);
        while (true)
        {
            var before = _current;
            try
            {
                await run.WaitAsync(limit, TestContext.Current.CancellationToken);
                return;
            }
            catch (TimeoutException)
            {
                if (_current == before)
                    Assert.Fail($"A case is not done after {limit}. {Replay(seed, before)}");
            }
        }
    }

    private static string Replay(ulong seed, int number) => $"Case {number} again: SLUICE_FUZZ_SEED={seed} SLUICE_FUZZ_FIRST={number} SLUICE_FUZZ_COUNT=1";

    private void RunCase(ulong seed, int number)
    {
        var (sample, bytes) = _mutator.Mutate(seed, number);
        var before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            using var file = GgufFile.Parse(bytes, "fuzz.gguf");
            use(file);
            Used++;
        }
        catch (Exception e) when (isTypedError(e))
        {
            Refused++;
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"A mutation of {sample.Name} ended in {e.GetType().Name}. {Replay(seed, number)}", e);
        }

        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        if (allocated > bytes.Length + AllowedBeyondTheFile)
            throw new InvalidOperationException($"A mutation of {sample.Name} of {bytes.Length} bytes allocated {allocated}. {Replay(seed, number)}");
    }
}
