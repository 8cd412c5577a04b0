using System.Collections.Immutable;
using System.Text;
using Sluice.Server.Access.Keys;
using Sluice.Server.Configuration;

namespace Sluice.Server.Tests.Access.Keys;

public sealed class KeyFileTests
{
    private static readonly string Hash = new('a', 64);
    private static readonly string Other = new('B', 64);

    [Fact]
    public void File_NamesCallersWithTheirKeysAndLimits()
    {
        var entries = Parse($$"""
            {
              // Comments and last commas are fine in a file that people write.
              "keys": [
                {"name": "ada", "sha256": "{{Hash}}", "streams": 4, "requests_per_minute": 60, "tokens_per_minute": 20000},
                {"name": "batch.2-x_y", "sha256": ["{{Other}}", "{{new string('c', 64)}}"]},
              ],
            }
            """);

        Assert.Equal(["ada", "batch.2-x_y"], entries.Select(entry => entry.Name));
        Assert.Equal(new KeyLimits(4, 60, 20000), entries[0].Limits);
        Assert.Equal(default, entries[1].Limits);
        Assert.Equal([Other.ToLowerInvariant(), new string('c', 64)], entries[1].Hashes.Select(hash => hash.Hex));
    }

    [Theory]
    [InlineData("", "is not valid JSON (line 1, byte 1).")]
    [InlineData("[]", "cannot be used: it must be a JSON object with an array 'keys'; 'sluice key NAME' prints an entry for it.")]
    [InlineData("{}", "cannot be used: it must be a JSON object with an array 'keys'")]
    [InlineData("""{"keys": {}}""", "cannot be used: it must be a JSON object with an array 'keys'")]
    [InlineData("""{"keys": [], "kyes": []}""", "cannot be used: it has 'kyes' beside 'keys'.")]
    [InlineData("""{"keys": ["KEY"]}""", "cannot be used: keys[0] must be an object with 'name' and 'sha256'.")]
    [InlineData("""{"keys": [{"name": "ada"}]}""", "cannot be used: keys[0] must have 'name' and 'sha256'.")]
    [InlineData("""{"keys": [{"sha256": "HASH"}]}""", "cannot be used: keys[0] must have 'name' and 'sha256'.")]
    [InlineData("""{"keys": [{"name": "a b", "sha256": "HASH"}]}""", "cannot be used: keys[0].name must be 1 to 64 letters, digits, '.', '_' or '-' of ASCII.")]
    [InlineData("""{"keys": [{"name": "", "sha256": "HASH"}]}""", "cannot be used: keys[0].name must be")]
    [InlineData("""{"keys": [{"name": 7, "sha256": "HASH"}]}""", "cannot be used: keys[0].name must be")]
    [InlineData("""{"keys": [{"name": "ada", "sha256": "sk-sluice-secret"}]}""", "cannot be used: keys[0].sha256 must be the SHA-256 of the key in 64 hexadecimal digits, or an array of these; never the key itself.")]
    [InlineData("""{"keys": [{"name": "ada", "sha256": []}]}""", "cannot be used: keys[0].sha256 must have at least one hash")]
    [InlineData("""{"keys": [{"name": "ada", "sha256": ["HASH", 1]}]}""", "cannot be used: keys[0].sha256 must be the SHA-256")]
    [InlineData("""{"keys": [{"name": "ada", "sha256": "HASH", "streams": 0}]}""", "cannot be used: keys[0].streams must be an integer from 1 to 2147483647; without it there is no limit.")]
    [InlineData("""{"keys": [{"name": "ada", "sha256": "HASH", "tokens_per_minute": "many"}]}""", "cannot be used: keys[0].tokens_per_minute must be an integer")]
    [InlineData("""{"keys": [{"name": "ada", "sha256": "HASH", "rpm": 1}]}""", "cannot be used: keys[0].rpm is not known; an entry has name, sha256, streams, requests_per_minute, tokens_per_minute.")]
    [InlineData("""{"keys": [{"name": "ada", "sha256": "HASH"}, {"name": "ada", "sha256": "OTHER"}]}""", "cannot be used: the name 'ada' is there twice; for a caller with two keys give 'sha256' an array.")]
    [InlineData("""{"keys": [{"name": "ada", "sha256": "HASH"}, {"name": "bob", "sha256": ["OTHER", "HASH"]}]}""", "cannot be used: the same key is there twice, for 'ada' and 'bob'.")]
    public void WrongFile_IsOneSentenceThatSaysWhere(string text, string says)
    {
        var fault = Assert.Throws<UsageException>(() => Parse(text.Replace("HASH", Hash, StringComparison.Ordinal).Replace("OTHER", Other, StringComparison.Ordinal)));

        Assert.StartsWith("The key file keys.json " + says, fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void NameOfTheOneKey_IsItsOwn()
    {
        var entries = Parse($$"""{"keys": [{"name": "api-key", "sha256": "{{Hash}}"}]}""");

        Assert.Contains("'api-key', which is that of --api-key", Assert.Throws<UsageException>(() => KeyRing.Of("secret", entries)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OneKeyThatIsInTheFileToo_IsRefused()
    {
        var entries = Parse($$"""{"keys": [{"name": "ada", "sha256": "{{KeyHash.Of("secret").Hex}}"}]}""");

        Assert.Throws<UsageException>(() => KeyRing.Of("secret", entries));
    }

    [Fact]
    public void OneKeyBesideAFile_IsACallerOfItsOwn()
    {
        var ring = KeyRing.Of("secret", Parse($$"""{"keys": [{"name": "ada", "sha256": "{{KeyHash.Of("ada-key").Hex}}"}]}"""));

        Assert.True(ring.TryFind("secret", out var one));
        Assert.True(ring.TryFind("ada-key", out var ada));
        Assert.Equal(("api-key", "ada"), (one.Identity, ada.Identity));
    }

    private static ImmutableArray<KeyEntry> Parse(string text) => KeyFile.Parse("keys.json", Encoding.UTF8.GetBytes(text));
}
