using System.Collections.Immutable;
using Sluice.Engine.Tokens.Templates.Jinja.Functions;
using Sluice.Engine.Tokens.Templates.Jinja.Printing;
using Sluice.Engine.Tokens.Templates.Jinja.Syntax;
using Sluice.Engine.Tokens.Templates.Jinja.Values;

namespace Sluice.Engine.Tokens.Templates.Jinja.Running;

/// <summary>Gives expressions their values.</summary>
internal sealed class Evaluator(Interpreter interpreter)
{
    private const int ScopesPerStep = 16;

    /// <summary>A collection takes the memory of several ordinary steps.</summary>
    private const int StepsPerCollection = 4;

    private readonly Budget _budget = interpreter.Budget;

    public object? Evaluate(Expression expression, Scope scope)
    {
        interpreter.At = expression.At;
        _budget.Step();
        if (expression is Constant constant)
        {
            return constant.Value;
        }

        if (expression is Name name)
        {
            _budget.Step(scope.Depth / ScopesPerStep);
            return scope.TryGet(name.Identifier, out var found) ? found : new Undefined(() => $"'{name.Identifier}' is undefined");
        }

        _budget.Enter();
        var value = EvaluateCompound(expression, scope);
        _budget.Leave();
        return value;
    }

    public bool IsTrue(Expression expression, Scope scope) => ValueTypes.IsTrue(Evaluate(expression, scope));

    public List<object?> EvaluateAll(ImmutableArray<Expression> expressions, Scope scope)
    {
        var values = new List<object?>(expressions.Length);
        foreach (var expression in expressions)
        {
            values.Add(Evaluate(expression, scope));
        }

        return values;
    }

    private object? EvaluateCompound(Expression expression, Scope scope) => expression switch
    {
        AttributeAccess access => Attribute(access, scope),
        Subscript subscript => Item(subscript, scope),
        SliceAccess slice => Slice(slice, scope),
        Call call => interpreter.Calls.Call(call, scope),
        FilterUse filter => interpreter.Calls.Filter(filter, scope),
        TestUse test => interpreter.Calls.Test(test, scope),
        ArithmeticChain arithmetic => Compute(arithmetic, scope),
        Concatenation concatenation => Concatenate(concatenation, scope),
        Comparison comparison => Compare(comparison, scope),
        Junction junction => Join(junction, scope),
        Not not => !IsTrue(not.Operand, scope),
        Conditional conditional => Choose(conditional, scope),
        Sign sign => Negate(sign, scope),
        TupleDisplay tuple => new TupleValue(Collect(tuple.Items, scope)),
        ListDisplay list => new ListValue(Collect(list.Items, scope)),
        DictDisplay dict => Dict(dict, scope),
        _ => throw new ArgumentException($"{expression.GetType()} is no expression that can be evaluated", nameof(expression)),
    };

    private object? Attribute(AttributeAccess access, Scope scope)
    {
        var target = Evaluate(access.Target, scope);
        interpreter.At = access.At;
        return Members.TryAttribute(target, access.Identifier, out var value) || (target is DictValue dict && dict.TryGet(Text.FromTemplate(access.Identifier), out value))
            ? value
            : Missing(target, access);
    }

    private object? Item(Subscript subscript, Scope scope)
    {
        var target = Evaluate(subscript.Target, scope);
        var index = Evaluate(subscript.Index, scope);
        interpreter.At = subscript.At;
        Ordering.PayForKey(index, _budget);
        return Members.TryItem(target, index, out var value) ? value : Missing(target, subscript);
    }

    private object? Slice(SliceAccess slice, Scope scope)
    {
        var target = Evaluate(slice.Target, scope);
        var start = slice.Start is null ? null : Evaluate(slice.Start, scope);
        var stop = slice.Stop is null ? null : Evaluate(slice.Stop, scope);
        var step = slice.Step is null ? null : Evaluate(slice.Step, scope);
        interpreter.At = slice.At;
        return Slicing.TrySlice(target, start, stop, step, _budget, out var value) ? value : Missing(target, slice);
    }

    /// <summary>What stands for an attribute or item that is not there: undefined; but of something undefined it is a fault.</summary>
    private static Undefined Missing(object? target, Expression access)
        => target is Undefined undefined ? throw undefined.Fault() : new Undefined(() => ExpressionText.Missing(access, target));

    private object? Compute(ArithmeticChain arithmetic, Scope scope)
    {
        var value = Evaluate(arithmetic.First, scope);
        foreach (var (operation, operand, at) in arithmetic.Rest)
        {
            var right = Evaluate(operand, scope);
            interpreter.At = at;
            _budget.Step();
            value = Arithmetic.Apply(operation, value, right, _budget);
        }

        return value;
    }

    private Text Concatenate(Concatenation concatenation, Scope scope)
    {
        var text = new TextBuilder(_budget);
        foreach (var value in EvaluateAll(concatenation.Operands, scope))
        {
            interpreter.At = concatenation.At;
            text.Append(ValueText.Str(value, _budget));
        }

        return text.ToText();
    }

    private bool Compare(Comparison comparison, Scope scope)
    {
        var left = Evaluate(comparison.First, scope);
        foreach (var (operation, operand, at) in comparison.Rest)
        {
            var right = Evaluate(operand, scope);
            interpreter.At = at;
            if (!Holds(operation, left, right))
            {
                return false;
            }

            left = right;
        }

        return true;
    }

    private bool Holds(ComparisonOperator operation, object? left, object? right) => operation switch
    {
        ComparisonOperator.Equal => Ordering.AreEqual(left, right, _budget),
        ComparisonOperator.NotEqual => !Ordering.AreEqual(left, right, _budget),
        ComparisonOperator.In => Ordering.Contains(right, left, _budget),
        ComparisonOperator.NotIn => !Ordering.Contains(right, left, _budget),
        ComparisonOperator.Less => Ordering.Compare(left, right, "<", _budget) < 0,
        ComparisonOperator.LessOrEqual => Ordering.Compare(left, right, "<=", _budget) <= 0,
        ComparisonOperator.Greater => Ordering.Compare(left, right, ">", _budget) > 0,
        _ => Ordering.Compare(left, right, ">=", _budget) >= 0,
    };

    /// <summary>The operand that decides, itself and not only its truth.</summary>
    private object? Join(Junction junction, Scope scope)
    {
        object? value = null;
        foreach (var operand in junction.Operands)
        {
            value = Evaluate(operand, scope);
            if (ValueTypes.IsTrue(value) != junction.IsAnd)
            {
                break;
            }
        }

        return value;
    }

    private object? Choose(Conditional conditional, Scope scope)
    {
        if (IsTrue(conditional.Test, scope))
        {
            return Evaluate(conditional.Then, scope);
        }

        return conditional.Otherwise is null
            ? new Undefined("the inline 'if' was false and has no 'else'")
            : Evaluate(conditional.Otherwise, scope);
    }

    private object Negate(Sign sign, Scope scope)
    {
        var value = Evaluate(sign.Operand, scope);
        interpreter.At = sign.At;
        return Arithmetic.Negate(value, sign.IsMinus);
    }

    private List<object?> Collect(ImmutableArray<Expression> items, Scope scope)
    {
        _budget.Step(StepsPerCollection);
        return EvaluateAll(items, scope);
    }

    private DictValue Dict(DictDisplay display, Scope scope)
    {
        _budget.Step(StepsPerCollection);
        var dict = new DictValue();
        foreach (var (keyExpression, valueExpression) in display.Items)
        {
            var key = Evaluate(keyExpression, scope);
            var value = Evaluate(valueExpression, scope);
            interpreter.At = keyExpression.At;
            Ordering.PayForKey(key, _budget);
            dict.Set(key, value);
        }

        return dict;
    }
}
