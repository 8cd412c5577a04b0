using System.Collections.Immutable;
using Sluice.Engine.Tokens.Templates.Jinja.Functions;
using Sluice.Engine.Tokens.Templates.Jinja.Syntax;
using Sluice.Engine.Tokens.Templates.Jinja.Values;

namespace Sluice.Engine.Tokens.Templates.Jinja.Running;

/// <summary>Calls of functions, methods and macros, and uses of filters and tests.</summary>
internal sealed class Calls(Interpreter interpreter)
{
    private readonly MacroCalls _macros = new(interpreter);

    /// <param name="call">The call.</param>
    /// <param name="scope">Where its expressions are evaluated.</param>
    /// <param name="caller">The body of a call block, which the macro gets.</param>
    public object? Call(Call call, Scope scope, Macro? caller = null)
    {
        var target = interpreter.Evaluator.Evaluate(call.Target, scope);
        var arguments = Evaluate(call.Arguments, scope);
        if (caller is not null)
        {
            arguments.Named.Add(("caller", caller));
        }

        interpreter.At = call.At;
        interpreter.Budget.Step();
        return target switch
        {
            Macro macro => _macros.Call(macro, arguments),
            NativeFunction function => function.Call(interpreter, arguments),
            LoopContext { Recurse: { } recurse } when arguments is { Positional: [var items], Named.Count: 0 } => recurse(items),
            LoopContext { Recurse: null } => throw new JinjaFault("'loop' can only be called in a loop that is marked 'recursive'"),
            LoopContext => throw new JinjaFault("'loop' is called with the items to go through, and nothing else"),
            Undefined undefined => throw undefined.Fault(),
            _ => throw new JinjaFault($"{ValueTypes.Name(target)} cannot be called"),
        };
    }

    public object? Filter(FilterUse use, Scope scope)
    {
        var input = interpreter.Evaluator.Evaluate(use.Input, scope);
        return Filter(input, use.Filter, use.Arguments, use.At, scope);
    }

    /// <summary>The filters of a block, one after another.</summary>
    public object? Filters(object? input, ImmutableArray<FilterStep> steps, Scope scope)
    {
        foreach (var step in steps)
        {
            input = Filter(input, step.Filter, step.Arguments, step.At, scope);
        }

        return input;
    }

    public object? Test(TestUse use, Scope scope)
    {
        var input = interpreter.Evaluator.Evaluate(use.Input, scope);
        var arguments = Evaluate(use.Arguments, scope);
        interpreter.At = use.At;
        return TestTable.Apply(use.Test, input, arguments, interpreter);
    }

    private object? Filter(object? input, string name, CallArguments argumentExpressions, Position at, Scope scope)
    {
        var arguments = Evaluate(argumentExpressions, scope);
        interpreter.At = at;
        return FilterTable.Apply(name, input, arguments, interpreter);
    }

    private Arguments Evaluate(CallArguments expressions, Scope scope)
    {
        var positional = interpreter.Evaluator.EvaluateAll(expressions.Positional, scope);
        var named = new List<(string Name, object? Value)>();
        foreach (var (name, expression) in expressions.Named)
        {
            named.Add((name, interpreter.Evaluator.Evaluate(expression, scope)));
        }

        if (expressions.Spread is not null)
        {
            positional.AddRange(Iteration.ToList(interpreter.Evaluator.Evaluate(expressions.Spread, scope), interpreter.Budget));
        }

        if (expressions.SpreadNamed is not null)
        {
            SpreadInto(named, interpreter.Evaluator.Evaluate(expressions.SpreadNamed, scope));
        }

        return new Arguments(positional, named);
    }

    private void SpreadInto(List<(string Name, object? Value)> named, object? spread)
    {
        if (spread is not DictValue dict)
        {
            throw new JinjaFault($"'**' spreads a dictionary, not {ValueTypes.Name(spread)}");
        }

        interpreter.Budget.Step(dict.Count);
        for (var i = 0; i < dict.Count; i++)
        {
            var (key, value) = dict.At(i);
            named.Add(((key as Text ?? throw new JinjaFault("'**' spreads a dictionary whose keys are strings")).Value, value));
        }
    }
}
