using System.Numerics;
using Sluice.Engine.Tokens.Templates.Jinja.Running;
using Sluice.Engine.Tokens.Templates.Jinja.Syntax;
using Sluice.Engine.Tokens.Templates.Jinja.Values;

namespace Sluice.Engine.Tokens.Templates.Jinja.Functions;

/// <summary>Tests by name. The value before 'is' is the subject of the call.</summary>
internal static class TestTable
{
    private static readonly NativeTable Table = new()
    {
        { "boolean", "", call => call.Subject is bool },
        { "callable", "", call => call.Subject is NativeFunction or Macro or LoopContext or Undefined },
        { "defined", "", call => call.Subject is not Undefined },
        { "divisibleby", "num", call => Remainder(call, call[0]) },
        { "escaped", "", _ => false },
        { "even", "", call => Remainder(call, new BigInteger(2)) },
        { "false", "", call => call.Subject is false },
        { "filter", "", call => call.Subject is Text name && FilterTable.Has(name.Value) },
        { "float", "", call => call.Subject is double },
        { "in", "seq", call => Ordering.Contains(call[0], call.Subject, call.Budget) },
        { "integer", "", call => call.Subject is BigInteger },
        { "iterable", "", call => Iteration.IsIterable(call.Subject) },
        { "lower", "", call => TextCase.IsLower(call.SubjectAsText().Value) },
        { "mapping", "", call => call.Subject is DictValue },
        { "none", "", call => call.Subject is null },
        { "number", "", call => ValueTypes.IsNumber(call.Subject) },
        { "odd", "", call => !Remainder(call, new BigInteger(2)) },
        { "sameas", "other", call => ReferenceEquals(call.Subject, call[0]) || (call.Subject is bool x && call[0] is bool y && x == y) },
        { "sequence", "", call => call.Subject is Text or Sequence or DictValue or RangeValue or Undefined },
        { "string", "", call => call.Subject is Text },
        { "test", "", call => call.Subject is Text name && Has(name.Value) },
        { "true", "", call => call.Subject is true },
        { "undefined", "", call => call.Subject is Undefined },
        { "upper", "", call => TextCase.IsUpper(call.SubjectAsText().Value) },
        { "equalto", "other", call => AreEqual(call) },
        { "eq", "other", call => AreEqual(call) },
        { "==", "other", call => AreEqual(call) },
        { "ne", "other", call => !AreEqual(call) },
        { "!=", "other", call => !AreEqual(call) },
        { "greaterthan", "other", call => Order(call, ">") > 0 },
        { "gt", "other", call => Order(call, ">") > 0 },
        { ">", "other", call => Order(call, ">") > 0 },
        { "ge", "other", call => Order(call, ">=") >= 0 },
        { ">=", "other", call => Order(call, ">=") >= 0 },
        { "lessthan", "other", call => Order(call, "<") < 0 },
        { "lt", "other", call => Order(call, "<") < 0 },
        { "<", "other", call => Order(call, "<") < 0 },
        { "le", "other", call => Order(call, "<=") <= 0 },
        { "<=", "other", call => Order(call, "<=") <= 0 },
    };

    public static bool Has(string name) => Table.ContainsKey(name);

    public static object? Apply(string name, object? input, Arguments arguments, Interpreter interpreter)
        => Table.TryGetValue(name, out var test)
            ? test.Apply(interpreter, input, arguments)
            : throw new JinjaFault($"the test '{name}' is not supported; supported are {Table.Names}");

    private static bool AreEqual(NativeCall call) => Ordering.AreEqual(call.Subject, call[0], call.Budget);

    private static int? Order(NativeCall call, string sign) => Ordering.Compare(call.Subject, call[0], sign, call.Budget);

    private static bool Remainder(NativeCall call, object? divisor)
        => !ValueTypes.IsTrue(Arithmetic.Apply(ArithmeticOperator.Modulo, call.Subject, divisor, call.Budget));
}
