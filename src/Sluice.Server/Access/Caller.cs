namespace Sluice.Server.Access;

/// <summary>Who sent a request, as far as its key says.</summary>
/// <param name="Identity">The name of its key, and empty where none is asked for. What a caller owns goes by this name, so a new key of the same name owns it too.</param>
internal sealed record Caller(string Identity)
{
    private static readonly Caller Anybody = new("");

    /// <summary>Cancelled when the key that it came with is taken away.</summary>
    public CancellationToken Revoked { get; init; }

    public static Caller Of(HttpContext http) => http.Features.Get<Caller>() ?? Anybody;

    /// <summary>The salt of this caller's prompts: its own and the one that the request asks for, told apart.</summary>
    public string PrefixSalt(string asked) => $"{Identity}/{asked}";
}
