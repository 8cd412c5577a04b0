using System.Globalization;
using Sluice.Server.Access.Keys;
using Sluice.Server.Api;

namespace Sluice.Server.Access.Limits;

/// <summary>What one caller has in use.</summary>
internal sealed class Account(string identity)
{
    private readonly Lock _gate = new();
    private LeakyMeter _requests;
    private LeakyMeter _tokens;
    private int _streams;

    public Outcome<Lease> TryEnter(KeyRing keys, TimeProvider clock, int promptTokens)
    {
        lock (_gate)
        {
            var limits = keys.LimitsOf(identity);
            Run(limits, clock);
            if (limits.Streams is { } streams && _streams >= streams)
            {
                return Refuse(TimeSpan.FromSeconds(1), $"may have {streams} streams at a time and has them: stop one, or wait for the end of one", "too_many_streams");
            }

            if (_requests.WaitFor(1, limits.RequestsPerMinute) is var toRequest && toRequest > TimeSpan.Zero)
            {
                return Refuse(toRequest, $"may start {limits.RequestsPerMinute} requests a minute and has started them", "rate_limit_exceeded");
            }

            if (_tokens.WaitFor(promptTokens, limits.TokensPerMinute) is var toTokens && toTokens > TimeSpan.Zero)
            {
                return Refuse(
                    toTokens, $"may use {limits.TokensPerMinute} tokens a minute, of which {_tokens.Remaining(limits.TokensPerMinute!.Value)} are left now for a prompt of {promptTokens}", "rate_limit_exceeded");
            }

            _streams++;
            _requests.Use(1);
            _tokens.Use(promptTokens);
            return new Lease(this, promptTokens);
        }
    }

    /// <summary>Takes in a stream that began in another process: it was let in there.</summary>
    public Lease GoOn(int promptTokens)
    {
        lock (_gate)
        {
            _streams++;
            return new Lease(this, promptTokens);
        }
    }

    public Allowance Look(KeyLimits limits, TimeProvider clock)
    {
        lock (_gate)
        {
            Run(limits, clock);
            return new Allowance(
                limits.RequestsPerMinute is { } requests ? new Allowance.Rate(requests, _requests.Remaining(requests), _requests.Reset(requests)) : null,
                limits.TokensPerMinute is { } tokens ? new Allowance.Rate(tokens, _tokens.Remaining(tokens), _tokens.Reset(tokens)) : null);
        }
    }

    public void UseTokens(int count)
    {
        lock (_gate)
        {
            _tokens.Use(count);
        }
    }

    public void EndStream()
    {
        lock (_gate)
        {
            _streams--;
        }
    }

    public void TakeBack(int promptTokens)
    {
        lock (_gate)
        {
            _streams--;
            _requests.Use(-1);
            _tokens.Use(-promptTokens);
        }
    }

    private void Run(KeyLimits limits, TimeProvider clock)
    {
        _requests.Run(clock, limits.RequestsPerMinute);
        _tokens.Run(clock, limits.TokensPerMinute);
    }

    private ApiError Refuse(TimeSpan wait, string why, string code) => new(
        StatusCodes.Status429TooManyRequests,
        string.Create(CultureInfo.InvariantCulture, $"The key '{identity}' {why}. Try again in {Math.Ceiling(wait.TotalSeconds):0} s."),
        Code: code)
    {
        RetryAfter = wait,
    };
}
