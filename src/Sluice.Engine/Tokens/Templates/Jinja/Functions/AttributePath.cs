using System.Globalization;
using System.Numerics;
using Sluice.Engine.Tokens.Templates.Jinja.Values;

namespace Sluice.Engine.Tokens.Templates.Jinja.Functions;

/// <summary>What filters mean by an attribute: a name, an index, or several with dots between them.</summary>
internal sealed class AttributePath
{
    private readonly List<object?> _parts;
    private readonly object? _fallback;

    private AttributePath(List<object?> parts, object? fallback)
    {
        _parts = parts;
        _fallback = fallback;
    }

    /// <param name="attribute">The path; none for the item itself.</param>
    /// <param name="fallback">What stands for a part that is not there; none for undefined.</param>
    public static AttributePath Of(object? attribute, object? fallback = null) => attribute switch
    {
        null => new AttributePath([], fallback),
        Text text => new AttributePath([.. text.Value.Split('.').Select(PartOf)], fallback),
        _ => new AttributePath([attribute], fallback),
    };

    /// <summary>The path that an argument gives; the item itself where it is left out.</summary>
    public static AttributePath Of(NativeCall call, int argument) => Of(call.OrNone(argument));

    public object? Get(object? item)
    {
        foreach (var part in _parts)
        {
            item = Members.TryItem(item, part, out var value) ? value : Missing(item, part);
            if (item is Undefined && _fallback is not null)
            {
                item = _fallback;
            }
        }

        return item;
    }

    private static Undefined Missing(object? item, object? part) => new(() => Members.DescribeMissing(item, part?.ToString() ?? "none"));

    private static object? PartOf(string part)
        => part.Length is > 0 and < 10 && part.All(char.IsAsciiDigit) ? new BigInteger(int.Parse(part, CultureInfo.InvariantCulture)) : Text.FromTemplate(part);
}
