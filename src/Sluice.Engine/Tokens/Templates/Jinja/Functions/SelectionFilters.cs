using Sluice.Engine.Tokens.Templates.Jinja.Values;

namespace Sluice.Engine.Tokens.Templates.Jinja.Functions;

/// <summary>Filters that put every item to a test, or through a filter. Like Python's generators, what they give can be gone through once and is always true.</summary>
internal static class SelectionFilters
{
    public static object? Map(NativeCall call)
    {
        var result = new List<object?>();
        if (call.More.Count == 0)
        {
            var attribute = MappedAttribute(call);
            foreach (var item in call.SubjectItems())
            {
                result.Add(attribute.Get(item));
            }

            return new IteratorValue(result);
        }

        var (filter, arguments) = (NameOf(call.More[0], "map"), new Arguments(call.More[1..], call.Named));
        foreach (var item in call.SubjectItems())
        {
            result.Add(FilterTable.Apply(filter, item, arguments, call.Interpreter));
        }

        return new IteratorValue(result);
    }

    /// <param name="call">The arguments: the attribute where one is tested, then the test's name and its arguments; without a name truth is tested.</param>
    /// <param name="byAttribute">Whether an attribute of the items is tested.</param>
    /// <param name="keeps">Whether the items that pass are kept, or the others.</param>
    public static object? Select(NativeCall call, bool byAttribute, bool keeps)
    {
        if (byAttribute && call.More.Count == 0)
        {
            throw new JinjaFault("'selectattr' and 'rejectattr' need an attribute's name");
        }

        var rest = call.More[(byAttribute ? 1 : 0)..];
        var attribute = AttributePath.Of(byAttribute ? call.More[0] : null);
        var result = new List<object?>();
        foreach (var item in call.SubjectItems())
        {
            var value = attribute.Get(item);
            var passes = rest.Count == 0
                ? ValueTypes.IsTrue(value)
                : ValueTypes.IsTrue(TestTable.Apply(NameOf(rest[0], "select"), value, new Arguments(rest[1..], call.Named), call.Interpreter));
            if (passes == keeps)
            {
                result.Add(item);
            }
        }

        return new IteratorValue(result);
    }

    private static AttributePath MappedAttribute(NativeCall call)
    {
        object? attribute = null;
        object? fallback = null;
        foreach (var (name, value) in call.Named)
        {
            switch (name)
            {
                case "attribute":
                    attribute = value;
                    break;
                case "default":
                    fallback = value;
                    break;
                default:
                    throw new JinjaFault($"'map' has no parameter '{name}'; it takes a filter's name, or attribute=");
            }
        }

        return attribute is null ? throw new JinjaFault("'map' needs a filter's name, or attribute=") : AttributePath.Of(attribute, fallback);
    }

    private static string NameOf(object? name, string filter)
        => (name as Text ?? throw new JinjaFault($"'{filter}' takes a name as a string, not {ValueTypes.Name(name)}")).Value;
}
