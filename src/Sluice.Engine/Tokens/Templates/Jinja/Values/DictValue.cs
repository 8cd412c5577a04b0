using System.Diagnostics.CodeAnalysis;
using System.Numerics;

namespace Sluice.Engine.Tokens.Templates.Jinja.Values;

/// <summary>Python's dict: keeps the order in which keys came. Keys are strings, numbers, booleans and none; equal numbers are one key, whatever their type.</summary>
internal sealed class DictValue
{
    private readonly OrderedDictionary<object, object?> _entries = new(KeyComparer.Instance);

    public int Count => _entries.Count;

    public (object? Key, object? Value) At(int index)
    {
        var (key, value) = _entries.GetAt(index);
        return (key is NoneKey ? null : key, value);
    }

    public bool TryGet(object? key, out object? value) => _entries.TryGetValue(Checked(key), out value);

    public bool TryGet(string key, [NotNullWhen(true)] out object? value) => _entries.TryGetValue(Text.FromTemplate(key), out value) && value is not null;

    public void Set(object? key, object? value) => _entries[Checked(key)] = value;

    public void Set(string key, object? value) => Set(Text.FromTemplate(key), value);

    public bool Remove(object? key) => _entries.Remove(Checked(key));

    public void Clear() => _entries.Clear();

    private static object Checked(object? key) => key switch
    {
        null => NoneKey.Instance,
        Text or bool or BigInteger or double => key,
        _ => throw new JinjaFault($"{ValueTypes.Name(key)} cannot be a dictionary's key; strings, numbers, booleans and none can"),
    };

    private sealed class NoneKey
    {
        public static readonly NoneKey Instance = new();
    }

    private sealed class KeyComparer : IEqualityComparer<object>
    {
        public static readonly KeyComparer Instance = new();

        bool IEqualityComparer<object>.Equals(object? x, object? y) => (x, y) switch
        {
            (Text left, Text right) => left.Value == right.Value,
            (NoneKey, NoneKey) => true,
            (Text or NoneKey, _) or (_, Text or NoneKey) => false,
            _ => Numbers.AreEqual(x!, y!),
        };

        int IEqualityComparer<object>.GetHashCode(object obj) => obj switch
        {
            Text text => string.GetHashCode(text.Value, StringComparison.Ordinal),
            NoneKey => 1,
            _ => Numbers.Hash(obj),
        };
    }
}
