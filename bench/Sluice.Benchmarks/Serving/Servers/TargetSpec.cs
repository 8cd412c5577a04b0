using System.Text.RegularExpressions;

namespace Sluice.Benchmarks.Serving.Servers;

/// <summary>A server as it was named on the command line: one that runs, by its address, or one to start, by its command.</summary>
/// <param name="Name">What the report calls it.</param>
/// <param name="Address">Where it listens; null where it is to be started.</param>
/// <param name="Command">A shell command in which <c>{model}</c> and <c>{port}</c> are filled in; null where it runs already.</param>
internal sealed partial record TargetSpec(string Name, Uri? Address, string? Command)
{
    /// <summary>Reads <c>[NAME=]URL</c> or <c>[NAME=]COMMAND</c>.</summary>
    /// <exception cref="FormatException">It is neither.</exception>
    public static TargetSpec Parse(string text, string defaultName)
    {
        var named = Named().Match(text);
        var name = named.Success ? named.Groups["name"].Value : defaultName;
        var rest = named.Success ? text[named.Length..] : text;
        if (rest.StartsWith("http://", StringComparison.Ordinal) && Uri.TryCreate(rest, UriKind.Absolute, out var address))
            return new TargetSpec(name, address, null);

        return rest.Contains("{model}", StringComparison.Ordinal) && rest.Contains("{port}", StringComparison.Ordinal)
            ? new TargetSpec(name, null, rest)
            : throw new FormatException($"'{text}' is neither a URL such as http://127.0.0.1:8081 nor a command with {{model}} and {{port}} in it.");
    }

    /// <summary>The Sluice that was built with this benchmark.</summary>
    /// <param name="threads">Threads that compute.</param>
    /// <param name="arguments">More of its arguments.</param>
    public static TargetSpec Sluice(int threads, string arguments)
    {
        var server = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", "Sluice.Server", Path.GetFileName(AppContext.BaseDirectory.TrimEnd('/')), "sluice"));
        return File.Exists(server)
            ? new TargetSpec("sluice", null, $"'{server}' serve --model '{{model}}' --port {{port}} --threads {threads} {arguments}")
            : throw new FileNotFoundException($"The server is not built: there is no {server}.");
    }

    [GeneratedRegex("^(?<name>[A-Za-z0-9._-]+)=", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Named();
}
