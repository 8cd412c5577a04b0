using Sluice.Engine.Tokens.Templates.Jinja.Functions;
using Sluice.Engine.Tokens.Templates.Jinja.Values;

namespace Sluice.Engine.Tokens.Templates.Jinja.Running;

/// <summary>Gives a macro's parameters their values and runs its body; what it writes is the call's value.</summary>
internal sealed class MacroCalls(Interpreter interpreter)
{
    public Text Call(Macro macro, Arguments arguments)
    {
        var definition = macro.Definition;
        var scope = new Scope(macro.Scope);
        var named = NamedOf(macro, arguments);
        var isCallerSet = BindParameters(macro, arguments, named, scope);
        if (definition.UsesCaller && !isCallerSet)
        {
            scope.Set("caller", named.Remove("caller", out var caller) ? caller : new Undefined("no caller was given: the macro is called without a call block"));
        }

        BindRest(macro, arguments, named, scope);
        return interpreter.Render(definition.Body, scope);
    }

    private static OrderedDictionary<string, object?> NamedOf(Macro macro, Arguments arguments)
    {
        var named = new OrderedDictionary<string, object?>(StringComparer.Ordinal);
        foreach (var (name, value) in arguments.Named)
        {
            if (!named.TryAdd(name, value))
            {
                throw new JinjaFault($"the macro '{macro.Definition.Name}' gets two values for '{name}'");
            }
        }

        return named;
    }

    /// <summary>Sets the parameters; whether one of them is 'caller'.</summary>
    private bool BindParameters(Macro macro, Arguments arguments, OrderedDictionary<string, object?> named, Scope scope)
    {
        var parameters = macro.Definition.Parameters;
        var isCallerSet = false;
        for (var i = 0; i < parameters.Length; i++)
        {
            var (name, fallback) = parameters[i];
            isCallerSet |= name == "caller";
            if (i < arguments.Positional.Count)
            {
                scope.Set(name, arguments.Positional[i]);
            }
            else if (named.Remove(name, out var value))
            {
                scope.Set(name, value);
            }
            else
            {
                scope.Set(name, fallback is null ? new Undefined($"the parameter '{name}' of the macro '{macro.Definition.Name}' was not given") : interpreter.Evaluator.Evaluate(fallback, scope));
            }
        }

        return isCallerSet;
    }

    private static void BindRest(Macro macro, Arguments arguments, OrderedDictionary<string, object?> named, Scope scope)
    {
        var definition = macro.Definition;
        if (definition.UsesKwargs)
        {
            var kwargs = new DictValue();
            foreach (var (name, value) in named)
            {
                kwargs.Set(name, value);
            }

            scope.Set("kwargs", kwargs);
        }
        else if (named.Count > 0)
        {
            throw new JinjaFault($"the macro '{definition.Name}' has no parameter '{named.GetAt(0).Key}'");
        }

        if (definition.UsesVarargs)
        {
            scope.Set("varargs", new TupleValue([.. arguments.Positional.Skip(definition.Parameters.Length)]));
        }
        else if (arguments.Positional.Count > definition.Parameters.Length)
        {
            throw new JinjaFault($"the macro '{definition.Name}' takes {definition.Parameters.Length} arguments, not {arguments.Positional.Count}");
        }
    }
}
