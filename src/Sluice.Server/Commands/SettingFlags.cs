using System.CommandLine;
using Sluice.Server.Configuration;

namespace Sluice.Server.Commands;

/// <summary>Settings as flags of a command. Their values are read as text: one parser judges them, wherever they come from.</summary>
internal sealed class SettingFlags
{
    private readonly Dictionary<Setting, Option> _options = [];

    /// <summary>Adds the flags to <paramref name="command"/>, and the one for the settings file.</summary>
    public SettingFlags(Command command, IEnumerable<Setting> settings)
    {
        foreach (var setting in settings.Append(Setting.Config))
        {
            Option option = setting.IsList
                ? new Option<string[]>(setting.Flag) { HelpName = setting.ValueName, Description = setting.Description }
                : new Option<string?>(setting.Flag) { HelpName = setting.ValueName, Description = setting.Description };
            _options.Add(setting, option);
            command.Options.Add(option);
        }
    }

    /// <exception cref="UsageException">The settings file is not what it must be.</exception>
    public SettingValues Gather(ParseResult parsed) => SettingValues.Gather(
        setting => _options.TryGetValue(setting, out var option) ? Value(parsed, option) : null,
        Environment.GetEnvironmentVariable,
        Environment.CurrentDirectory);

    private static string? Value(ParseResult parsed, Option option)
        => option is not Option<string[]> list ? parsed.GetValue((Option<string?>)option)
            : parsed.GetResult(list) is null ? null
            : Setting.Join(parsed.GetValue(list)!);
}
