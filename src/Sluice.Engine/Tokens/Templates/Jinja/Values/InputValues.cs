using System.Globalization;
using System.Numerics;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Sluice.Engine.Tokens.Templates.Jinja.Values;

/// <summary>.NET's values and JSON as values of a template. Their strings are data.</summary>
internal static class InputValues
{
    private const int MaxDepth = 128;

    /// <summary>JSON has integers of any length; longer ones than this no template computes with.</summary>
    private const int MaxIntegerDigits = 308;

    /// <summary>Converts null, strings, booleans, numbers, lists, dictionaries and JSON; always into new values.</summary>
    /// <exception cref="ChatTemplateException">The data nests too deep, or its JSON holds what is no Unicode text or no number that fits.</exception>
    /// <exception cref="ArgumentException">There is a type that is none of these.</exception>
    public static object? Convert(object? value) => Convert(value, 0);

    private static object? Convert(object? value, int depth)
    {
        if (depth > MaxDepth)
        {
            throw new ChatTemplateException($"the data given to the template nests deeper than {MaxDepth} levels", 0, 0, ChatTemplateLimit.Depth);
        }

        return value switch
        {
            null => null,
            string text => Text.FromData(text),
            bool flag => flag,
            double or float or decimal or Half => System.Convert.ToDouble(value, CultureInfo.InvariantCulture),
            int or long or short or byte or uint or ulong or ushort or sbyte => BigInteger.Parse(((IFormattable)value).ToString(null, CultureInfo.InvariantCulture), CultureInfo.InvariantCulture),
            BigInteger number => number,
            JsonElement element => ConvertElement(element, depth),
            JsonObject json => ConvertEntries(json.Select(entry => KeyValuePair.Create(entry.Key, (object?)entry.Value)), depth),
            JsonValue json => ConvertElement(JsonSerializer.SerializeToElement(json), depth),
            IEnumerable<KeyValuePair<string, object?>> entries => ConvertEntries(entries, depth),
            IEnumerable<object?> items => new ListValue([.. items.Select(item => Convert(item, depth + 1))]),
            _ => throw new ArgumentException($"{value.GetType()} is no value that a template can be given", nameof(value)),
        };
    }

    private static DictValue ConvertEntries(IEnumerable<KeyValuePair<string, object?>> entries, int depth)
    {
        var dict = new DictValue();
        foreach (var (key, value) in entries)
        {
            dict.Set(Text.FromData(key), Convert(value, depth + 1));
        }

        return dict;
    }

    private static object? ConvertElement(JsonElement element, int depth) => element.ValueKind switch
    {
        JsonValueKind.Null or JsonValueKind.Undefined => null,
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.String => Text.FromData(StringOf(element)),
        JsonValueKind.Number => NumberOf(element.GetRawText()),
        JsonValueKind.Array => new ListValue([.. element.EnumerateArray().Select(item => Convert(item, depth + 1))]),
        _ => ConvertEntries(element.EnumerateObject().Select(property => KeyValuePair.Create(NameOf(property), (object?)property.Value)), depth),
    };

    private static object NumberOf(string digits)
    {
        if (digits.AsSpan().ContainsAny('.', 'e', 'E'))
        {
            return double.Parse(digits, NumberStyles.Float, CultureInfo.InvariantCulture);
        }

        return digits.Length <= MaxIntegerDigits
            ? BigInteger.Parse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture)
            : throw new ChatTemplateException($"the data given to the template has an integer of more than {MaxIntegerDigits} digits", 0, 0, ChatTemplateLimit.IntegerSize);
    }

    private static string StringOf(JsonElement element) => Unicode(element.GetString);

    private static string NameOf(JsonProperty property) => Unicode(() => property.Name);

    /// <summary>JSON can hold escapes of half a character; .NET refuses to make a string of them.</summary>
    private static string Unicode(Func<string?> read)
    {
        try
        {
            return read() ?? "";
        }
        catch (InvalidOperationException error)
        {
            throw new ChatTemplateException("the data given to the template has a string that is not valid Unicode", 0, 0, null, error);
        }
    }
}
