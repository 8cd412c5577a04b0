namespace Sluice.Server.Api;

/// <summary>The seed of a request that names none.</summary>
internal static class SamplingSeed
{
    public static ulong Any() => unchecked((ulong)Random.Shared.NextInt64(long.MinValue, long.MaxValue));
}
