namespace Sluice.Engine.Tokens.Templates.Jinja.Functions;

/// <summary>What cycler() gives: values in turn, by its method 'next'.</summary>
internal sealed class CyclerValue(List<object?> items)
{
    public static readonly NativeTable Methods = new()
    {
        { "next", "", call => ((CyclerValue)call.Subject!).Next() },
        { "reset", "", call => ((CyclerValue)call.Subject!).Reset() },
    };

    private int _position;

    public object? Current => items[_position];

    private object? Next()
    {
        var current = Current;
        _position = (_position + 1) % items.Count;
        return current;
    }

    private object? Reset()
    {
        _position = 0;
        return null;
    }
}
