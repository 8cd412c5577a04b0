using Sluice.Server.Access.Keys;

namespace Sluice.Server.Tests.Scripted;

/// <summary>A key file of a test. The key of a name is that name with "-key" behind it.</summary>
internal sealed class KeyFiles : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("sluice-keys-");

    public KeyFiles(params string[] entries) => Write(entries);

    public string Path => System.IO.Path.Combine(_folder.FullName, "keys.json");

    public static string KeyOf(string name) => $"{name}-key";

    /// <summary>An entry; <paramref name="limits"/> as further properties, such as <c>"streams": 1</c>.</summary>
    public static string Entry(string name, string limits = "")
        => $$"""{"name": "{{name}}", "sha256": "{{KeyHash.Of(KeyOf(name)).Hex}}"{{(limits.Length > 0 ? ", " : "")}}{{limits}}}""";

    public void Write(params string[] entries) => WriteText($$"""{"keys": [{{string.Join(", ", entries)}}]}""");

    public void WriteText(string text) => File.WriteAllText(Path, text);

    public void Dispose() => _folder.Delete(recursive: true);
}
