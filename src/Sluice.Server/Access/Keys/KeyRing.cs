using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using Sluice.Server.Configuration;

namespace Sluice.Server.Access.Keys;

/// <summary>The keys that are valid at the moment, and whom each stands for. May be replaced at any time.</summary>
internal sealed class KeyRing
{
    // Keys are found by a code that nobody outside can compute: the time that it takes to find or not to find one tells nothing of any key's hash.
    private readonly byte[] _secret = RandomNumberGenerator.GetBytes(32);
    private readonly Lock _replacing = new();
    private volatile Snapshot _now = new([], []);

    private KeyRing(bool isAsked) => IsAsked = isAsked;

    /// <summary>Whether callers need a key at all.</summary>
    public bool IsAsked { get; }

    /// <summary>Called with the name of every caller whose last key is taken away, after its keys are valid no longer.</summary>
    public Action<string>? CallerRemoved { get; set; }

    /// <summary>A ring for the one key and the file that the server was started with; either may be null.</summary>
    public static KeyRing Of(string? apiKey, IEnumerable<KeyEntry>? entries)
    {
        var ring = new KeyRing(apiKey is not null || entries is not null);
        ring.Replace(apiKey, entries ?? []);
        return ring;
    }

    /// <summary>Finds who comes with a key. Where it is the key of nobody, that takes as long.</summary>
    public bool TryFind(string key, [NotNullWhen(true)] out Caller? caller)
    {
        var hash = KeyHash.Of(key);
        caller = _now.Keys.TryGetValue(CodeOf(hash), out var found) && AreEqual(found.Hash, hash) ? found.Caller : null;
        return caller is not null;
    }

    /// <summary>Whether somebody may come under this name at the moment.</summary>
    public bool Knows(string identity) => IsAsked ? _now.Limits.ContainsKey(identity) : identity.Length == 0;

    /// <summary>What a caller may use; everything where nothing is said of it.</summary>
    public KeyLimits LimitsOf(string identity) => _now.Limits.GetValueOrDefault(identity);

    /// <summary>Replaces all keys. Those that stay are not interrupted.</summary>
    /// <exception cref="UsageException">The entries cannot stand beside the one key.</exception>
    public void Replace(string? apiKey, IEnumerable<KeyEntry> entries)
    {
        lock (_replacing)
        {
            var before = _now;
            var all = apiKey is null ? [.. entries] : entries.Append(new KeyEntry(KeyEntry.NameOfApiKey, [KeyHash.Of(apiKey)], default)).ToList();
            var after = new Snapshot([], []);
            foreach (var entry in all)
            {
                if (!after.Limits.TryAdd(entry.Name, entry.Limits))
                {
                    throw new UsageException($"The key file has the name '{entry.Name}', which is that of --api-key; give it another, or leave --api-key out.");
                }

                foreach (var hash in entry.Hashes)
                {
                    var code = CodeOf(hash);
                    var key = before.Keys.TryGetValue(code, out var same) && same.Caller.Identity == entry.Name ? same : new Key(hash, entry.Name);
                    if (!after.Keys.TryAdd(code, key))
                    {
                        throw new UsageException($"The key of --api-key is that of '{entry.Name}' in the key file too; leave one of them out.");
                    }
                }
            }

            _now = after;
            TakeAway(before, after);
        }
    }

    private void TakeAway(Snapshot before, Snapshot after)
    {
        foreach (var (code, key) in before.Keys)
        {
            if (!after.Keys.TryGetValue(code, out var kept) || kept != key)
            {
                key.Revoke();
            }
        }

        foreach (var name in before.Limits.Keys.Where(name => !after.Limits.ContainsKey(name)))
        {
            CallerRemoved?.Invoke(name);
        }
    }

    private UInt128 CodeOf(KeyHash hash)
    {
        Span<byte> code = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(_secret, Encoding.ASCII.GetBytes(hash.Hex), code);
        return BinaryPrimitives.ReadUInt128LittleEndian(code);
    }

    private static bool AreEqual(KeyHash one, KeyHash other)
        => CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(one.Hex), Encoding.ASCII.GetBytes(other.Hex));

    private sealed record Snapshot(Dictionary<UInt128, Key> Keys, Dictionary<string, KeyLimits> Limits);

#pragma warning disable CA1001 // The source is not disposed: requests may look at its token after the key is gone.
    private sealed class Key
#pragma warning restore CA1001
    {
        private readonly CancellationTokenSource _revoked = new();

        public Key(KeyHash hash, string name)
        {
            Hash = hash;
            Caller = new Caller(name) { Revoked = _revoked.Token };
        }

        public KeyHash Hash { get; }

        public Caller Caller { get; }

        public void Revoke() => _revoked.Cancel();
    }
}
