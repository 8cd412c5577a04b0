using System.Buffers.Text;
using System.CommandLine;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Sluice.Server.Access.Keys;
using Sluice.Server.Configuration;

namespace Sluice.Server.Commands;

/// <summary><c>sluice key NAME</c>: makes a random key, and the entry by which a key file knows it. Keeps neither.</summary>
internal static class KeyCommand
{
    /// <summary>What all keys begin with, so that people and scanners of secrets know one when they see it.</summary>
    private const string Prefix = "sk-sluice-";

    private const int KeyBytes = 32;

    public static Command Define(Terminal terminal)
    {
        var name = new Argument<string>("name") { Description = $"Whose key it is: {KeyEntry.NameRule}" };
        var streams = Limit("--streams", "Most generations of this key at a time");
        var requests = Limit("--requests-per-minute", "Most generations that it starts in a minute");
        var tokens = Limit("--tokens-per-minute", "Most tokens of its prompts and answers in a minute");
        var command = new Command("key", "Make a key for a client, and the entry for the file of --key-file") { name, streams, requests, tokens };
        command.SetAction(parsed => Make(
            parsed.GetRequiredValue(name),
            [("streams", parsed.GetValue(streams)), ("requests_per_minute", parsed.GetValue(requests)), ("tokens_per_minute", parsed.GetValue(tokens))],
            terminal));
        return command;
    }

    private static Option<string?> Limit(string flag, string description) => new(flag) { HelpName = "N", Description = $"{description} (default: no limit)" };

    private static int Make(string name, (string Name, string? Value)[] limits, Terminal terminal)
    {
        if (!KeyEntry.IsName(name))
        {
            throw new UsageException($"The name is '{name}'; it must be {KeyEntry.NameRule}.");
        }

        var key = Prefix + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(KeyBytes));
        var entry = Entry(name, KeyHash.Of(key), limits);
        terminal.Output.WriteLine($"""
            The key, for the client; it is kept nowhere and cannot be shown again:
              {key}
            The entry, for the array "keys" in the file that --key-file names:
              {entry}
            """);
        return 0;
    }

    private static string Entry(string name, KeyHash hash, (string Name, string? Value)[] limits)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartObject();
            json.WriteString("name"u8, name);
            json.WriteString("sha256"u8, hash.Hex);
            foreach (var (limit, value) in limits)
            {
                if (value is not null)
                {
                    json.WriteNumber(limit, int.TryParse(value, out var number) && number > 0
                        ? number
                        : throw new UsageException($"--{limit.Replace('_', '-')} is '{value}'; it must be an integer from 1 to {int.MaxValue}."));
                }
            }

            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.ToArray());
    }
}
