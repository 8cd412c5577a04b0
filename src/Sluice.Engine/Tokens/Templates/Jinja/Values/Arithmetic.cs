using System.Numerics;
using Sluice.Engine.Tokens.Templates.Jinja.Functions;
using Sluice.Engine.Tokens.Templates.Jinja.Syntax;

namespace Sluice.Engine.Tokens.Templates.Jinja.Values;

/// <summary>Python's operators on numbers, and those that strings, lists and tuples have of them.</summary>
internal static class Arithmetic
{
    public static object? Apply(ArithmeticOperator operation, object? x, object? y, Budget budget)
    {
        if (operation == ArithmeticOperator.Modulo && x is Text format)
        {
            return PercentFormat.Apply(format, y, budget);
        }

        if ((x as Undefined ?? y as Undefined) is { } undefined)
        {
            throw undefined.Fault();
        }

        if (ValueTypes.IsNumber(x) && ValueTypes.IsNumber(y))
        {
            return ValueTypes.AsInteger(x) is { } left && ValueTypes.AsInteger(y) is { } right
                ? OnIntegers(operation, left, right, budget)
                : OnFloats(operation, ToFloat(x), ToFloat(y));
        }

        return (operation, x, y) switch
        {
            (ArithmeticOperator.Add, Text left, Text right) => new TextBuilder(budget).Append(left).Append(right).ToText(),
            (ArithmeticOperator.Add, ListValue left, ListValue right) => new ListValue(Join(left, right, budget)),
            (ArithmeticOperator.Add, TupleValue left, TupleValue right) => new TupleValue(Join(left, right, budget)),
            (ArithmeticOperator.Multiply, Text or Sequence, _) when ValueTypes.AsInteger(y) is { } times => Repeat(x, times, budget),
            (ArithmeticOperator.Multiply, _, Text or Sequence) when ValueTypes.AsInteger(x) is { } times => Repeat(y, times, budget),
            _ => throw new JinjaFault($"'{SignOf(operation)}' does not work on {ValueTypes.Name(x)} and {ValueTypes.Name(y)}"),
        };
    }

    public static object Negate(object? value, bool isMinus) => value switch
    {
        double number => isMinus ? -number : number,
        Undefined undefined => throw undefined.Fault(),
        _ when ValueTypes.AsInteger(value) is { } number => isMinus ? -number : number,
        _ => throw new JinjaFault($"a sign needs a number behind it, not {ValueTypes.Name(value)}"),
    };

    public static double ToFloat(object? number) => number is double floating ? floating : (double)ValueTypes.AsInteger(number)!.Value;

    private static object OnIntegers(ArithmeticOperator operation, BigInteger x, BigInteger y, Budget budget) => operation switch
    {
        ArithmeticOperator.Add => budget.Integer(x + y),
        ArithmeticOperator.Subtract => budget.Integer(x - y),
        ArithmeticOperator.Multiply => budget.Integer(x * y),
        _ when y.IsZero && operation != ArithmeticOperator.Power => throw DivisionByZero(),
        ArithmeticOperator.Divide => (double)x / (double)y,
        ArithmeticOperator.FloorDivide => FloorDivide(x, y),
        ArithmeticOperator.Modulo => x - (FloorDivide(x, y) * y),
        _ => Power(x, y, budget),
    };

    private static BigInteger FloorDivide(BigInteger x, BigInteger y)
    {
        var quotient = BigInteger.DivRem(x, y, out var rest);
        return !rest.IsZero && rest.Sign != y.Sign ? quotient - 1 : quotient;
    }

    private static object Power(BigInteger x, BigInteger y, Budget budget)
    {
        if (y.Sign < 0)
        {
            return x.IsZero ? throw DivisionByZero() : OnFloats(ArithmeticOperator.Power, (double)x, (double)y);
        }

        if (BigInteger.Abs(x) <= 1)
        {
            return x.Sign < 0 && y.IsEven ? BigInteger.One : y.IsZero ? BigInteger.One : x;
        }

        // The power has at least (bits of x − 1) × y bits; a huge y is refused before it is cast to int.
        budget.CheckBits((BigInteger.Abs(x).GetBitLength() - 1) * (long)BigInteger.Min(y, int.MaxValue));
        return budget.Integer(BigInteger.Pow(x, (int)y));
    }

    private static double OnFloats(ArithmeticOperator operation, double x, double y)
    {
        switch (operation)
        {
            case ArithmeticOperator.Add:
                return x + y;
            case ArithmeticOperator.Subtract:
                return x - y;
            case ArithmeticOperator.Multiply:
                return x * y;
            case ArithmeticOperator.Power:
                return FloatPower(x, y);
            case var _ when y == 0:
                throw DivisionByZero();
            case ArithmeticOperator.Divide:
                return x / y;
            default:
                var (quotient, rest) = FloorDivide(x, y);
                return operation == ArithmeticOperator.FloorDivide ? quotient : rest;
        }
    }

    private static double FloatPower(double x, double y)
    {
        if (x == 0 && y < 0)
        {
            throw DivisionByZero();
        }

        var power = Math.Pow(x, y);
        return double.IsFinite(power) || !double.IsFinite(x) || !double.IsFinite(y) ? power : throw new JinjaFault("the power is no real number that a float can hold");
    }

    /// <summary>Floor division and remainder together, as C's fmod gives them the sign of the divisor.</summary>
    private static (double Quotient, double Remainder) FloorDivide(double x, double y)
    {
        var rest = x % y;
        var quotient = (x - rest) / y;
        if (rest != 0 && (y < 0) != (rest < 0))
        {
            rest += y;
            quotient--;
        }
        else if (rest == 0)
        {
            rest = Math.CopySign(0, y);
        }

        var floor = Math.Floor(quotient);
        return (quotient - floor > 0.5 ? floor + 1 : quotient == 0 ? Math.CopySign(0, x / y) : floor, rest);
    }

    private static List<object?> Join(Sequence x, Sequence y, Budget budget)
    {
        budget.Step((long)x.Items.Count + y.Items.Count);
        return [.. x.Items, .. y.Items];
    }

    private static object Repeat(object? value, BigInteger times, Budget budget)
    {
        var count = BigInteger.Max(times, BigInteger.Zero);
        if (value is Text text)
        {
            budget.CheckLength((long)BigInteger.Min(count * text.Value.Length, long.MaxValue));
            return text.IsEmpty || count.IsZero ? Text.Empty : RepeatText(text, (int)count, budget);
        }

        var items = ((Sequence)value!).Items;
        budget.Step((long)BigInteger.Min(count * items.Count, long.MaxValue / 2));
        var repeated = new List<object?>();
        for (var i = BigInteger.Zero; i < count && items.Count > 0; i++)
        {
            repeated.AddRange(items);
        }

        return value is ListValue ? new ListValue(repeated) : new TupleValue(repeated);
    }

    /// <summary>Appends the text many times by appending a few of it fewer times.</summary>
    private static Text RepeatText(Text text, int count, Budget budget)
    {
        const int Few = 64;
        var repeated = new TextBuilder(budget);
        if (count > Few)
        {
            var several = RepeatText(text, Few, budget);
            for (; count >= Few; count -= Few)
            {
                repeated.Append(several);
            }
        }

        for (; count > 0; count--)
        {
            repeated.Append(text);
        }

        return repeated.ToText();
    }

    private static JinjaFault DivisionByZero() => new("division by zero");

    private static string SignOf(ArithmeticOperator operation) => operation switch
    {
        ArithmeticOperator.Add => "+",
        ArithmeticOperator.Subtract => "-",
        ArithmeticOperator.Multiply => "*",
        ArithmeticOperator.Divide => "/",
        ArithmeticOperator.FloorDivide => "//",
        ArithmeticOperator.Modulo => "%",
        _ => "**",
    };
}
