using System.Numerics;
using Sluice.Engine.Tokens.Templates.Jinja.Running;
using Sluice.Engine.Tokens.Templates.Jinja.Values;

namespace Sluice.Engine.Tokens.Templates.Jinja.Functions;

/// <summary>Attributes, methods and items of values.</summary>
internal static class Members
{
    /// <summary>What stands behind a dot, the keys of dictionaries apart.</summary>
    public static bool TryAttribute(object? target, string name, out object? value)
    {
        value = null;
        switch (target)
        {
            case Undefined undefined:
                throw undefined.Fault();
            case NamespaceValue ns:
                return ns.Attributes.TryGet(Text.FromTemplate(name), out value);
            case LoopContext loop:
                return LoopMembers.TryGet(loop, name, out value);
            case Macro macro when name == "name":
                value = Text.FromTemplate(macro.Definition.Name);
                return true;
            case GroupValue group when name is "grouper" or "list":
                value = name == "list" ? group.List : group.Grouper;
                return true;
            case CyclerValue { Current: var current } when name == "current":
                value = current;
                return true;
        }

        if (MethodsOf(target) is { } methods && methods.TryGetValue(name, out var method))
        {
            value = new NativeFunction(method, target);
            return true;
        }

        return false;
    }

    /// <summary>What stands in square brackets: an item by index or key, or else the attribute of that name.</summary>
    public static bool TryItem(object? target, object? index, out object? value)
    {
        if (target is Undefined undefined)
        {
            throw undefined.Fault();
        }

        if (target is DictValue dict && index is null or Text or bool or BigInteger or double)
        {
            if (dict.TryGet(index, out value))
            {
                return true;
            }
        }
        else if (ValueTypes.AsInteger(index) is { } number)
        {
            return Slicing.TryItem(target, number, out value);
        }

        value = null;
        return index is Text name && TryAttribute(target, name.Value, out value);
    }

    /// <summary>Why there is no such attribute: for types with methods, which ones there are.</summary>
    public static string DescribeMissing(object? target, string name) => target switch
    {
        DictValue => $"dict has no key or method '{name}'",
        null => $"none has no attribute '{name}'",
        _ when MethodsOf(target) is { } methods => $"{ValueTypes.Name(target)} has no attribute '{name}'; its methods here are {methods.Names}",
        _ => $"{ValueTypes.Name(target)} has no attribute '{name}'",
    };

    private static NativeTable? MethodsOf(object? target) => target switch
    {
        Text => TextMethods.Table,
        DictValue => DictMethods.Table,
        ListValue => ListMethods.Table,
        TupleValue => ListMethods.TupleTable,
        CyclerValue => CyclerValue.Methods,
        _ => null,
    };
}
