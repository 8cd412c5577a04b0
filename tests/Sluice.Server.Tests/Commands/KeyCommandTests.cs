using System.Text;
using System.Text.Json;
using Sluice.Server.Access.Keys;

namespace Sluice.Server.Tests.Commands;

public sealed class KeyCommandTests
{
    [Fact]
    public async Task Key_PrintsAKeyAndTheEntryThatKnowsIt()
    {
        using var terminal = new TestTerminal();

        Assert.Equal(0, await terminal.RunAsync("key", "ada", "--streams", "4", "--tokens-per-minute", "20000"));
        var lines = terminal.Output.TrimEnd('\n').Split('\n');
        Assert.Equal(4, lines.Length);
        var key = lines[1].Trim();
        Assert.Matches("^sk-sluice-[A-Za-z0-9_-]{43}$", key);
        var entry = Assert.Single(KeyFile.Parse("keys.json", Encoding.UTF8.GetBytes($$"""{"keys": [{{lines[3]}}]}""")));
        Assert.Equal(("ada", new KeyLimits(4, null, 20000)), (entry.Name, entry.Limits));
        Assert.True(KeyRing.Of(null, [entry]).TryFind(key, out var caller));
        Assert.Equal("ada", caller.Identity);
        Assert.Equal(["name", "sha256", "streams", "tokens_per_minute"], JsonElement.Parse(lines[3]).EnumerateObject().Select(property => property.Name));
    }

    [Fact]
    public async Task EveryKey_IsAnother()
    {
        using var first = new TestTerminal();
        using var second = new TestTerminal();
        await first.RunAsync("key", "ada");
        await second.RunAsync("key", "ada");

        Assert.NotEqual(first.Output, second.Output);
    }

    [Theory]
    [InlineData("sluice: The name is 'a b'; it must be 1 to 64 letters, digits, '.', '_' or '-' of ASCII.\n", "key", "a b")]
    [InlineData("sluice: --requests-per-minute is '0'; it must be an integer from 1 to 2147483647.\n", "key", "ada", "--requests-per-minute", "0")]
    [InlineData("sluice: --streams is 'few'; it must be an integer from 1 to 2147483647.\n", "key", "ada", "--streams", "few")]
    public async Task WrongArguments_AreOneSentence(string says, params string[] args)
    {
        using var terminal = new TestTerminal();

        Assert.Equal(2, await terminal.RunAsync(args));
        Assert.Equal((says, ""), (terminal.Error, terminal.Output));
    }
}
