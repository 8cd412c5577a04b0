using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using Sluice.Benchmarks.Serving.Measures;

namespace Sluice.Benchmarks.Serving.Report;

/// <summary>Everything that a call of the benchmark measured.</summary>
internal sealed record ServingReport
{
    public required DateTimeOffset Began { get; init; }

    public required string Machine { get; init; }

    public required IReadOnlyList<WorkloadNote> Workloads { get; init; }

    public required IReadOnlyList<ServerNote> Servers { get; init; }

    public required IReadOnlyList<RunFigures> Runs { get; init; }

    /// <summary>Processor, cores, memory and runtime, in words.</summary>
    public static string DescribeMachine()
    {
        var processor = File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(": ")[1] ?? RuntimeInformation.ProcessArchitecture.ToString();
        var memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (1024.0 * 1024 * 1024);
        return $"{processor}, {Environment.ProcessorCount} cores, {memory:F0} GiB; {RuntimeInformation.OSDescription}, {RuntimeInformation.FrameworkDescription}";
    }

    public string ToJson() => JsonSerializer.Serialize(this, ReportJson.Default.ServingReport);

    public static ServingReport FromJson(string json) => JsonSerializer.Deserialize(json, ReportJson.Default.ServingReport)!;
}

/// <summary>A workload that was measured.</summary>
/// <param name="Name">Its name, as the runs have it.</param>
/// <param name="Description">What happens in it.</param>
/// <param name="Model">The model's file, without its folder.</param>
internal sealed record WorkloadNote(string Name, string Description, string Model);

/// <summary>A server that was measured.</summary>
/// <param name="Name">Its name, as the runs have it.</param>
/// <param name="Origin">Its address, or the command that started it.</param>
internal sealed record ServerNote(string Name, string Origin);

[JsonSourceGenerationOptions(
    WriteIndented = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UseStringEnumConverter = true,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(ServingReport))]
internal sealed partial class ReportJson : JsonSerializerContext;
