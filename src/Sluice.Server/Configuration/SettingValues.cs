using System.Text.Json;

namespace Sluice.Server.Configuration;

/// <summary>What was set, and where: flag before environment variable before settings file.</summary>
internal sealed class SettingValues
{
    /// <summary>The settings file that is read where none is named.</summary>
    public const string DefaultFile = "sluice.json";

    private readonly Func<Setting, string?> _flags;
    private readonly Func<string, string?> _environment;
    private readonly Dictionary<string, string> _file;
    private readonly string _fileName;

    private SettingValues(Func<Setting, string?> flags, Func<string, string?> environment, string fileName, Dictionary<string, string> file)
        => (_flags, _environment, _fileName, _file) = (flags, environment, fileName, file);

    /// <summary>Finds the settings file and reads it.</summary>
    /// <param name="flags">A flag's value; null where it was not given.</param>
    /// <param name="environment">An environment variable's value.</param>
    /// <param name="workingDirectory">Where the default settings file lies.</param>
    /// <exception cref="UsageException">The file named is not there, or a file's content is not what it must be.</exception>
    public static SettingValues Gather(Func<Setting, string?> flags, Func<string, string?> environment, string workingDirectory)
    {
        var named = flags(Setting.Config) ?? NotEmpty(environment(Setting.Config.Variable));
        var name = named ?? DefaultFile;
        var path = Path.Combine(workingDirectory, name);
        if (File.Exists(path))
        {
            return new SettingValues(flags, environment, name, Read(path, name));
        }

        return named is null
            ? new SettingValues(flags, environment, name, [])
            : throw new UsageException($"The settings file {named} does not exist.");
    }

    /// <summary>The value, with the name of what it was set by for error messages; null where nothing sets it.</summary>
    public (string Value, string Source)? Find(Setting setting)
        => _flags(setting) is { } flag ? (flag, setting.Flag)
            : NotEmpty(_environment(setting.Variable)) is { } variable ? (variable, setting.Variable)
            : _file.TryGetValue(setting.Name, out var value) ? (value, $"{setting.Name} in {_fileName}")
            : null;

    private static string? NotEmpty(string? value) => string.IsNullOrEmpty(value) ? null : value;

    private static Dictionary<string, string> Read(string path, string name)
    {
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(path), new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
            if (json.RootElement.ValueKind != JsonValueKind.Object)
            {
                throw new UsageException($"{name} must be a JSON object, such as {{\"port\": 8080}}.");
            }

            var values = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (var property in json.RootElement.EnumerateObject())
            {
                var setting = Known(property.Name, name);
                values[setting.Name] = property.Value.ValueKind switch
                {
                    JsonValueKind.String => property.Value.GetString()!,
                    JsonValueKind.Number => property.Value.GetRawText(),
                    JsonValueKind.Array when setting.IsList && property.Value.EnumerateArray().All(static item => item.ValueKind == JsonValueKind.String)
                        => Setting.Join(property.Value.EnumerateArray().Select(static item => item.GetString()!)),
                    _ => throw new UsageException($"{property.Name} in {name} must be a string{(setting.IsList ? " or an array of strings" : " or a number")}."),
                };
            }

            return values;
        }
        catch (JsonException fault)
        {
            throw new UsageException($"{name} is not valid JSON (line {fault.LineNumber + 1}, byte {fault.BytePositionInLine + 1}).");
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"{name} cannot be read: {fault.Message}");
        }
    }

    private static Setting Known(string key, string file)
        => Array.Find(Setting.OfServer, setting => setting.Name == key)
            ?? throw new UsageException($"{file} has '{key}', which is no setting; the settings are {string.Join(", ", Setting.OfServer.Select(setting => setting.Name))}.");
}
