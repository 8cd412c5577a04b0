using System.Numerics;
using Sluice.Engine.Tokens.Templates.Jinja.Values;

namespace Sluice.Engine.Tokens.Templates.Jinja.Functions;

/// <summary>Methods of lists, and the two that tuples have.</summary>
internal static class ListMethods
{
    public static readonly NativeTable TupleTable = new()
    {
        { "index", "value", Index },
        { "count", "value", Count },
    };

    public static readonly NativeTable Table = new()
    {
        { "index", "value", Index },
        { "count", "value", Count },
        { "append", "value", Append },
        { "extend", "values", Extend },
        { "insert", "index value", Insert },
        { "pop", "index?", Pop },
        { "copy", "", call => new ListValue(call.SubjectItems()) },
    };

    private static IReadOnlyList<object?> Items(NativeCall call) => ((Sequence)call.Subject!).Items;

    private static List<object?> Content(NativeCall call) => ((ListValue)call.Subject!).Content;

    private static object? Index(NativeCall call)
    {
        for (var i = 0; i < Items(call).Count; i++)
        {
            if (Ordering.AreEqual(Items(call)[i], call[0], call.Budget))
            {
                return new BigInteger(i);
            }
        }

        throw new JinjaFault("'index' found no such value in the list");
    }

    private static object? Count(NativeCall call)
    {
        var count = 0;
        for (var i = 0; i < Items(call).Count; i++)
        {
            count += Ordering.AreEqual(Items(call)[i], call[0], call.Budget) ? 1 : 0;
        }

        return new BigInteger(count);
    }

    private static object? Append(NativeCall call)
    {
        Content(call).Add(call[0]);
        return null;
    }

    private static object? Extend(NativeCall call)
    {
        Content(call).AddRange(Iteration.ToList(call[0], call.Budget));
        return null;
    }

    private static object? Insert(NativeCall call)
    {
        var content = Content(call);
        var index = call.Int(0, 0);
        call.Budget.Step(content.Count / 32);
        content.Insert(Math.Clamp(index < 0 ? index + content.Count : index, 0, content.Count), call[1]);
        return null;
    }

    private static object? Pop(NativeCall call)
    {
        var content = Content(call);
        var index = call.Int(0, -1);
        var place = index < 0 ? index + content.Count : index;
        if (place < 0 || place >= content.Count)
        {
            throw new JinjaFault($"'pop' found no item {index} in a list of {content.Count}");
        }

        call.Budget.Step(content.Count / 32);
        var item = content[place];
        content.RemoveAt(place);
        return item;
    }
}
