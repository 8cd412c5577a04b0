using Sluice.Engine.Cache;
using Sluice.Engine.Models;
using Sluice.Engine.Requests;
using Sluice.Engine.Scheduling;

namespace Sluice.Engine;

/// <summary>
/// What the engine does, on a thread of its own, step after step: take what arrived, schedule a batch, compute it,
/// choose tokens, append what became certain to the streams. It waits for nobody but work.
/// </summary>
internal sealed class StepLoop
{
    /// <summary>Stands for the beginning of no step.</summary>
    private const long NoStep = long.MinValue;

    private readonly LoadedModel _model;
    private readonly BlockPool _blocks;
    private readonly Admission _admission;
    private readonly TokenBudget _budget;
    private readonly TimeProvider _clock;
    private readonly Scheduler _scheduler;
    private readonly Step _step;
    private readonly Thread _thread;
    private long _steps;
    private long _stepRows;
    private long _stepBeganAt = NoStep;
    private int _faultsInARow;

    public StepLoop(LoadedModel model, Transformer transformer, BlockPool blocks, TokenBudget budget, Admission admission, TimeProvider clock)
    {
        (_model, _blocks, _budget, _admission, _clock) = (model, blocks, budget, admission, clock);
        _scheduler = new Scheduler(blocks, Scheduler.MostSequences);
        _step = new Step(transformer, _scheduler);
        _thread = new Thread(Run) { Name = "Sluice engine", IsBackground = true };
        _thread.Start();
    }

    /// <summary>A test's way to have a step fail or hang.</summary>
    public Action? StepBegins { get; set; }

    /// <summary>What the loop knows of the engine's state; any thread may ask. Each number is of a moment, not all of the same.</summary>
    public EngineStatus Status => new()
    {
        Steps = Interlocked.Read(ref _steps),
        StepRows = Interlocked.Read(ref _stepRows),
        FaultsInARow = Volatile.Read(ref _faultsInARow),
        StepTime = Interlocked.Read(ref _stepBeganAt) is var began and not NoStep ? _clock.GetElapsedTime(began) : TimeSpan.Zero,
        Preemptions = _scheduler.Preemptions,
    };

    /// <summary>Waits until the loop has ended, which it does once the door is closed; false where a step takes longer than that.</summary>
    public bool Join(TimeSpan patience) => _thread.Join(patience);

    private void Run()
    {
        while (_admission.TryTake(wait: !_scheduler.HasWork, out var arrived))
        {
            if (arrived is not null)
            {
                foreach (var sequence in Sequence.Of(arrived, _model.Tokenizer, _blocks, _model.ContextLength))
                {
                    _scheduler.Add(sequence);
                }

                continue;
            }

            _scheduler.Attend();
            if (_scheduler.Next(_budget) is { IsEmpty: false } batch)
            {
                Compute(batch);
                _scheduler.RemoveEnded();
            }
        }

        _scheduler.FailForShutdown();
    }

    private void Compute(Batch batch)
    {
        var began = _clock.GetTimestamp();
        Interlocked.Exchange(ref _stepBeganAt, began);
        try
        {
            StepBegins?.Invoke();
            _step.Run(batch);
            Volatile.Write(ref _faultsInARow, 0);
            _budget.Observe(batch, _clock.GetElapsedTime(began));
            Interlocked.Increment(ref _steps);
            Interlocked.Add(ref _stepRows, batch.Work.Rows);
        }
#pragma warning disable CA1031 // Whatever went wrong concerns the streams of this batch; the engine goes on with the others.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            Volatile.Write(ref _faultsInARow, _faultsInARow + 1);
            _scheduler.Fail(batch, fault);
        }

        Interlocked.Exchange(ref _stepBeganAt, NoStep);
    }
}
