using Sluice.Engine.Tokens.Templates.Jinja.Values;

namespace Sluice.Engine.Tokens.Templates.Jinja.Functions;

/// <summary>Methods of dictionaries.</summary>
internal static class DictMethods
{
    public static readonly NativeTable Table = new()
    {
        { "keys", "", call => new DictView(Self(call), DictPart.Keys) },
        { "values", "", call => new DictView(Self(call), DictPart.Values) },
        { "items", "", call => new DictView(Self(call), DictPart.Items) },
        { "get", "key default?", call => Self(call).TryGet(call[0], out var value) ? value : call.OrNone(1) },
        { "copy", "", call => Update(new DictValue(), Self(call), call.Budget) },
        { "update", "other? **", call => Nothing(Update(Self(call), call)) },
        { "setdefault", "key default?", SetDefault },
        { "pop", "key default?", Pop },
    };

    /// <summary>Sets what the call gives: the entries of a dictionary or of a list of pairs first, then the named arguments.</summary>
    public static DictValue Update(DictValue dict, NativeCall call)
    {
        switch (call.OrNone(0))
        {
            case null when !call.Has(0):
                break;
            case Undefined undefined:
                throw undefined.Fault();
            case DictValue other:
                Update(dict, other, call.Budget);
                break;
            case var pairs:
                foreach (var pair in Iteration.ToList(pairs, call.Budget))
                {
                    var items = Iteration.ToList(pair, call.Budget);
                    if (items.Count != 2)
                    {
                        throw new JinjaFault($"a dictionary is made of pairs; one of them has {items.Count} items");
                    }

                    dict.Set(items[0], items[1]);
                }

                break;
        }

        foreach (var (name, value) in call.Named)
        {
            dict.Set(name, value);
        }

        return dict;
    }

    private static DictValue Self(NativeCall call) => (DictValue)call.Subject!;

    private static object? Nothing(object? _) => null;

    private static DictValue Update(DictValue dict, DictValue other, Budget budget)
    {
        budget.Step(other.Count);
        for (var i = 0; i < other.Count; i++)
        {
            var (key, value) = other.At(i);
            dict.Set(key, value);
        }

        return dict;
    }

    private static object? SetDefault(NativeCall call)
    {
        if (!Self(call).TryGet(call[0], out var value))
        {
            value = call.OrNone(1);
            Self(call).Set(call[0], value);
        }

        return value;
    }

    private static object? Pop(NativeCall call)
    {
        if (Self(call).TryGet(call[0], out var value))
        {
            call.Budget.Step(Self(call).Count / 32);
            Self(call).Remove(call[0]);
            return value;
        }

        return call.Has(1) ? call[1] : throw new JinjaFault("'pop' found no such key in the dictionary");
    }
}
