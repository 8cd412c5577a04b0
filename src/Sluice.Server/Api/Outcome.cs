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

    public bool Succeeded([NotNullWhen(true)] out T? value, [NotNullWhen(false)] out ApiError? error)
    {
        (value, error) = (_value, _error);
        return error is null;
    }
}
