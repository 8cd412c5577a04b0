using System.Numerics;
using Sluice.Engine.Tokens.Templates.Jinja.Functions;
using Sluice.Engine.Tokens.Templates.Jinja.Syntax;
using Sluice.Engine.Tokens.Templates.Jinja.Values;

namespace Sluice.Engine.Tokens.Templates.Jinja.Running;

/// <summary>How messages call a value that is not there: by the way the template went to it.</summary>
internal static class ExpressionText
{
    private const int LongestPath = 8;

    /// <summary>The message for an attribute, item or slice that <paramref name="target"/> does not have.</summary>
    public static string Missing(Expression access, object? target)
    {
        var what = Path(access, LongestPath) is { } path ? $"'{path}' is undefined: " : "";
        return access switch
        {
            AttributeAccess attribute => $"{what}{Members.DescribeMissing(target, attribute.Identifier)}",
            SliceAccess => $"{what}{ValueTypes.Name(target)} has no slices",
            _ => $"{what}{ValueTypes.Name(target)} has no such item",
        };
    }

    /// <summary>Names and constant subscripts as in the source; null where something else or too much takes part.</summary>
    private static string? Path(Expression expression, int longest) => longest == 0 ? null : expression switch
    {
        Name name => name.Identifier,
        AttributeAccess access when Path(access.Target, longest - 1) is { } target => $"{target}.{access.Identifier}",
        Subscript { Index: Constant { Value: Text key } } subscript when Path(subscript.Target, longest - 1) is { } target && key.Length < 100 => $"{target}['{key.Value}']",
        Subscript { Index: Constant { Value: BigInteger index } } subscript when Path(subscript.Target, longest - 1) is { } target => $"{target}[{index}]",
        Subscript { Index: Name index } subscript when Path(subscript.Target, longest - 1) is { } target => $"{target}[{index.Identifier}]",
        _ => null,
    };
}
