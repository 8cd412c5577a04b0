using System.Globalization;
using Sluice.Benchmarks.Serving.Servers;
using Sluice.Benchmarks.Serving.Workloads;

namespace Sluice.Benchmarks.Serving;

/// <summary>What <c>scripts/bench serve</c> was asked to measure.</summary>
internal sealed record ServeOptions
{
    public const string Help = """
        scripts/bench serve                         drives Sluice, and others, as their users would
            --workloads LIST    of single,many,shared,intrude,chat,swarm,idle (default: all)
            --runs N            measured runs of each workload, after one that is not measured (default: 3)
            --model FILE        the model (default: made on the spot: a 190M-class one, and a very small one for swarm)
            --peer [NAME=]URL   another server to measure in turn with Sluice, which serves the same file; or, instead of
            --peer [NAME=]CMD   the URL, the command that starts it, with {model} and {port} in it. Any number of both
            --url URL           a Sluice that runs already, instead of starting the one that was built
            --sluice-args ARGS  more arguments for the Sluice that is started
            --threads N         threads that compute in the Sluice that is started (default: one for each processor)
            --out DIR           where report.json, report.html and the servers' logs go (default: artifacts/bench/TIME)
        """;

    public IReadOnlyList<Workload> Workloads { get; private init; } = Workload.All;

    public int Runs { get; private init; } = 3;

    public string? ModelPath { get; private init; }

    public IReadOnlyList<TargetSpec> Peers { get; private init; } = [];

    public TargetSpec? Sluice { get; private init; }

    public string SluiceArguments { get; private init; } = "";

    public int Threads { get; private init; } = Environment.ProcessorCount;

    public string Folder { get; private init; } = Path.Combine("artifacts", "bench", DateTime.Now.ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture));

    /// <exception cref="FormatException">The arguments cannot be understood; the message says why.</exception>
    public static ServeOptions Parse(ReadOnlySpan<string> arguments)
    {
        var options = new ServeOptions();
        for (var i = 0; i < arguments.Length; i += 2)
        {
            if (i + 1 == arguments.Length)
                throw new FormatException($"{arguments[i]} needs a value.");

            options = options.With(arguments[i], arguments[i + 1]);
        }

        // A server that runs has its model already, and prompts are made of a model's vocabulary.
        if (options.ModelPath is null && options.Peers.Append(options.Sluice).Any(target => target?.Address is not null))
            throw new FormatException("Name the model that the running servers have with --model FILE.");

        return options.Peers.Select(peer => peer.Name).Append("sluice").Distinct(StringComparer.Ordinal).Count() == options.Peers.Count + 1
            ? options
            : throw new FormatException("Two servers have the same name; name them with --peer NAME=…");
    }

    private ServeOptions With(string flag, string value) => flag switch
    {
        "--workloads" => this with { Workloads = ParseWorkloads(value) },
        "--runs" => this with { Runs = ParseCount(flag, value) },
        "--model" => this with { ModelPath = File.Exists(value) ? Path.GetFullPath(value) : throw new FormatException($"There is no file {value}.") },
        "--peer" => this with { Peers = [.. Peers, TargetSpec.Parse(value, $"peer{Peers.Count + 1}")] },
        "--url" => this with { Sluice = TargetSpec.Parse(value, "sluice") with { Name = "sluice" } },
        "--sluice-args" => this with { SluiceArguments = value },
        "--threads" => this with { Threads = ParseCount(flag, value) },
        "--out" => this with { Folder = value },
        _ => throw new FormatException($"'{flag}' is not understood. What there is:\n{Help}"),
    };

    private static List<Workload> ParseWorkloads(string list)
    {
        var names = list.Split(',', StringSplitOptions.TrimEntries);
        return names.FirstOrDefault(name => !Workload.All.Any(workload => workload.Family == name)) is { } unknown
            ? throw new FormatException($"There is no workload '{unknown}'; there are {string.Join(", ", Workload.All.Select(workload => workload.Family).Distinct())}.")
            : [.. Workload.All.Where(workload => names.Contains(workload.Family, StringComparer.Ordinal))];
    }

    private static int ParseCount(string flag, string value)
        => int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count > 0 ? count : throw new FormatException($"{flag} is '{value}'; it must be a number above 0.");
}
