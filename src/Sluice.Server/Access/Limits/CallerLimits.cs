using System.Collections.Concurrent;
using Sluice.Server.Access.Keys;
using Sluice.Server.Api;

namespace Sluice.Server.Access.Limits;

/// <summary>What every caller has in use, against what its key may. Asked where generations begin, whatever the transport.</summary>
internal sealed class CallerLimits(KeyRing keys, TimeProvider clock)
{
    private readonly ConcurrentDictionary<string, Account> _accounts = new(StringComparer.Ordinal);

    /// <summary>Takes a generation into the account of its caller, or says why it may not begin; then nothing is counted.</summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="promptTokens">Tokens of the prompt. One longer than the limit of a minute may begin when nothing else is in use.</param>
    public Outcome<Lease> TryEnter(Caller caller, int promptTokens)
        => caller.Revoked.IsCancellationRequested
            ? KeyGate.Refusal
            : _accounts.GetOrAdd(caller.Identity, static identity => new Account(identity)).TryEnter(keys, clock, promptTokens);

    /// <summary>Takes a generation into the account of its caller that another process let in.</summary>
    public Lease GoOn(string identity, int promptTokens)
        => _accounts.GetOrAdd(identity, static identity => new Account(identity)).GoOn(promptTokens);

    /// <summary>How far a caller is from its limits; null where it has none by the minute.</summary>
    public Allowance? AllowanceOf(Caller caller)
    {
        var limits = keys.LimitsOf(caller.Identity);
        return limits is { RequestsPerMinute: null, TokensPerMinute: null }
            ? null
            : _accounts.GetOrAdd(caller.Identity, static identity => new Account(identity)).Look(limits, clock);
    }
}
