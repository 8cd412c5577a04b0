using System.Diagnostics.CodeAnalysis;

namespace Sluice.Server.Api;

/// <summary>A value, or why there is none.</summary>
internal readonly struct Outcome<T>
    where T : notnull
{
    private readonly T? _value;
    private readonly ApiError? _error;

    private Outcome(T? value, ApiError? error) => (_value, _error) = (value, error);

    public static implicit operator Outcome<T>(T value) => new(value, null);

    public static implicit operator Outcome<T>(ApiError error) => new(default, error);

    internal static Outcome<T> Of(T value) => new(value, null);

    public bool Succeeded([NotNullWhen(true)] out T? value, [NotNullWhen(false)] out ApiError? error)
    {
        (value, error) = (_value, _error);
        return error is null;
    }
}

/// <summary>Makes outcomes of values whose type is an interface, of which C# converts none by itself.</summary>
internal static class Outcome
{
    public static Outcome<T> Of<T>(T value)
        where T : notnull
        => Outcome<T>.Of(value);
}
