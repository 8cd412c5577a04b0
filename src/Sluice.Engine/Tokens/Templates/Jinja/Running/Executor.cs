using System.Collections.Immutable;
using Sluice.Engine.Tokens.Templates.Jinja.Printing;
using Sluice.Engine.Tokens.Templates.Jinja.Syntax;
using Sluice.Engine.Tokens.Templates.Jinja.Values;

namespace Sluice.Engine.Tokens.Templates.Jinja.Running;

/// <summary>How statements ended.</summary>
internal enum Flow
{
    Next,
    Break,
    Continue,
}

/// <summary>Runs statements: they write to the output and set variables of their scope.</summary>
internal sealed class Executor(Interpreter interpreter)
{
    private readonly Budget _budget = interpreter.Budget;

    private Evaluator Evaluator => interpreter.Evaluator;

    public Flow Run(ImmutableArray<Statement> statements, Scope scope, TextBuilder output)
    {
        _budget.Enter();
        var flow = Flow.Next;
        foreach (var statement in statements)
        {
            interpreter.At = statement.At;
            _budget.Step();
            flow = Run(statement, scope, output);
            if (flow != Flow.Next)
            {
                break;
            }
        }

        _budget.Leave();
        return flow;
    }

    private Flow Run(Statement statement, Scope scope, TextBuilder output)
    {
        switch (statement)
        {
            case DataStatement data:
                output.Append(data.Text);
                return Flow.Next;
            case OutputStatement write:
                var value = Evaluator.Evaluate(write.Value, scope);
                interpreter.At = write.At;
                output.Append(ValueText.Str(value, _budget));
                return Flow.Next;
            case IfStatement choice:
                return RunIf(choice, scope, output);
            case ForStatement loop:
                return new Loops(interpreter).Run(loop, scope, output);
            case BreakStatement:
                return Flow.Break;
            case ContinueStatement:
                return Flow.Continue;
            case SetStatement set:
                Assign(set.Target, Evaluator.Evaluate(set.Value, scope), scope);
                return Flow.Next;
            case SetBlockStatement set:
                Assign(set.Target, interpreter.Calls.Filters(interpreter.Render(set.Body, new Scope(scope)), set.Filters, scope), scope);
                return Flow.Next;
            case WithStatement with:
                return RunWith(with, scope, output);
            case FilterStatement filter:
                var filtered = interpreter.Calls.Filters(interpreter.Render(filter.Body, new Scope(scope)), filter.Filters, scope);
                output.Append(ValueText.Str(filtered, _budget));
                return Flow.Next;
            case MacroStatement macro:
                scope.Set(macro.Macro.Name, new Macro(macro.Macro, scope));
                return Flow.Next;
            case CallStatement call:
                output.Append(ValueText.Str(interpreter.Calls.Call(call.Call, scope, new Macro(call.Caller, scope)), _budget));
                return Flow.Next;
            case ScopeStatement block:
                return Run(block.Body, new Scope(scope), output);
            default:
                throw new ArgumentException($"{statement.GetType()} is no statement that can be run", nameof(statement));
        }
    }

    private Flow RunIf(IfStatement choice, Scope scope, TextBuilder output)
    {
        foreach (var (test, body) in choice.Branches)
        {
            if (Evaluator.IsTrue(test, scope))
            {
                return Run(body, scope, output);
            }
        }

        return Run(choice.Otherwise, scope, output);
    }

    private Flow RunWith(WithStatement with, Scope scope, TextBuilder output)
    {
        var inner = new Scope(scope);
        var values = Evaluator.EvaluateAll([.. with.Variables.Select(variable => variable.Value)], scope);
        for (var i = 0; i < values.Count; i++)
        {
            Assign(with.Variables[i].Target, values[i], inner);
        }

        return Run(with.Body, inner, output);
    }

    public void Assign(AssignmentTarget target, object? value, Scope scope)
    {
        interpreter.At = target.At;
        switch (target)
        {
            case NameTarget name:
                scope.Set(name.Identifier, value);
                break;
            case NamespaceTarget attribute:
                if (!scope.TryGet(attribute.Identifier, out var holder) || holder is not NamespaceValue ns)
                {
                    throw new JinjaFault($"'{attribute.Identifier}' is not a namespace, so '{attribute.Attribute}' of it cannot be set; make one with namespace()");
                }

                ns.Attributes.Set(attribute.Attribute, value);
                break;
            case TupleTarget tuple:
                Unpack(tuple, value, scope);
                break;
            default:
                throw new ArgumentException($"{target.GetType()} is no target of an assignment", nameof(target));
        }
    }

    private void Unpack(TupleTarget tuple, object? value, Scope scope)
    {
        if (value is Undefined undefined)
        {
            throw undefined.Fault();
        }

        var items = Iteration.ToList(value, _budget);
        if (items.Count != tuple.Items.Length)
        {
            throw new JinjaFault($"{tuple.Items.Length} names cannot take the {items.Count} items of {ValueTypes.Name(value)}");
        }

        _budget.Enter();
        for (var i = 0; i < items.Count; i++)
        {
            Assign(tuple.Items[i], items[i], scope);
        }

        _budget.Leave();
    }
}
