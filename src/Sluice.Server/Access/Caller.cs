namespace Sluice.Server.Access;

/// <summary>Who sent a request, as far as its key says.</summary>
/// <param name="Identity">The same for all requests with one key, and different for other keys; it does not tell the key.</param>
internal sealed record Caller(string Identity)
{
    private static readonly Caller Anybody = new("");

    public static Caller Of(HttpContext http) => http.Features.Get<Caller>() ?? Anybody;

    /// <summary>The salt of this caller's prompts: its own and the one that the request asks for, told apart.</summary>
    public string PrefixSalt(string asked) => $"{Identity}/{asked}";
}
