using Sluice.Engine.Tokens.Templates.Jinja.Syntax;
using Sluice.Engine.Tokens.Templates.Jinja.Values;

namespace Sluice.Engine.Tokens.Templates.Jinja.Running;

/// <summary>For loops: each round has a scope of its own. As in Jinja, 'else' runs when no round ran to its end: also when each was cut short by 'break' or 'continue'.</summary>
internal sealed class Loops(Interpreter interpreter)
{
    public Flow Run(ForStatement loop, Scope scope, TextBuilder output)
    {
        var items = interpreter.Evaluator.Evaluate(loop.Items, scope);
        interpreter.At = loop.At;
        return RunOver(loop, items, 1, scope, output);
    }

    private Flow RunOver(ForStatement loop, object? items, int depth, Scope scope, TextBuilder output)
    {
        using var enumerator = (loop.Test is null ? Iteration.Over(items) : Chosen(loop, items, scope)).GetEnumerator();
        var context = new LoopContext(enumerator, loop.Test is null ? ValueTypes.LengthOf(items) : null, depth, interpreter.Budget)
        {
            Recurse = loop.IsRecursive ? inner => Recurse(loop, inner, depth + 1, scope) : null,
        };
        var isAnyRoundWhole = false;
        while (context.MoveNext())
        {
            var round = new Scope(scope);
            round.Set("loop", context);
            interpreter.Executor.Assign(loop.Target, context.Current, round);
            var flow = interpreter.Executor.Run(loop.Body, round, output);
            isAnyRoundWhole |= flow == Flow.Next;
            if (flow == Flow.Break)
            {
                break;
            }
        }

        return !isAnyRoundWhole ? interpreter.Executor.Run(loop.Otherwise, new Scope(scope), output) : Flow.Next;
    }

    private IEnumerable<object?> Chosen(ForStatement loop, object? items, Scope scope)
    {
        foreach (var item in Iteration.Over(items))
        {
            var round = new Scope(scope);
            interpreter.Executor.Assign(loop.Target, item, round);
            if (interpreter.Evaluator.IsTrue(loop.Test!, round))
            {
                yield return item;
            }
        }
    }

    private Text Recurse(ForStatement loop, object? items, int depth, Scope scope)
    {
        interpreter.Budget.Enter();
        var output = new TextBuilder(interpreter.Budget);
        RunOver(loop, items, depth, scope, output);
        interpreter.Budget.Leave();
        return output.ToText();
    }
}
