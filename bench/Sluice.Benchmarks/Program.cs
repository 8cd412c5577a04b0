using BenchmarkDotNet.Running;
using Sluice.Benchmarks;
using Sluice.Benchmarks.Serving;
using Sluice.Benchmarks.Serving.Servers;
using Sluice.Engine.Gguf;

const string Help = """
    scripts/bench engine [MODEL.gguf ...]       prefill and decode rates of the whole engine; without a model,
                                                of the shipped one and of a 190M-class one with random weights
        --threads N   --runs N
    scripts/bench memory [THREADS]              how fast this machine's memory can be read
    scripts/bench model 190M|1B|SWARM TYPE PATH writes a model with random weights; TYPE is Q8_0, Q4_0, Q4_K_M ...
    scripts/bench kernels [BenchmarkDotNet's options, such as --filter '*Q8_0*']

    """ + ServeOptions.Help;

try
{
    switch (args)
    {
        case ["engine", ..]:
            EngineThroughput.Run(args.AsSpan(1), Console.Out);
            return 0;
        case ["serve", ..]:
            await using (var benchmark = new ServingBenchmark(ServeOptions.Parse(args.AsSpan(1)), Console.Out))
                await benchmark.RunAsync();

            return 0;
        case ["memory"]:
            MemoryBandwidth.Print(Environment.ProcessorCount, Console.Out);
            return 0;
        case ["memory", var threads] when int.TryParse(threads, out var count) && count > 0:
            MemoryBandwidth.Print(count, Console.Out);
            return 0;
        case ["model", var name, var type, var path] when ShapeOf(name) is { } shape && TypeOf(type) is { } matrices:
            (shape with { Type = matrices }).WriteTo(path);
            Console.WriteLine($"{path}: {new FileInfo(path).Length / 1e6:F1} MB");
            return 0;
        case ["kernels", ..]:
            BenchmarkSwitcher.FromAssembly(typeof(EngineThroughput).Assembly).Run(args[1..]);
            return 0;
        case [] or ["--help" or "-h"]:
            Console.WriteLine(Help);
            return 0;
        default:
            Console.Error.WriteLine($"'{string.Join(' ', args)}' is not understood. What there is:\n{Help}");
            return 2;
    }
}
catch (Exception fault) when (fault is FormatException or TargetException or FileNotFoundException)
{
    Console.Error.WriteLine(fault.Message);
    return 2;
}

static RandomModel? ShapeOf(string name)
    => ((RandomModel[])[RandomModel.Of190M, RandomModel.Of1B, RandomModel.OfSwarm]).FirstOrDefault(shape => shape.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

// llama.cpp's names of the mixtures: the type that most matrices have, and a better one where the recipe says so.
static TensorType? TypeOf(string name)
    => Enum.TryParse<TensorType>(name.EndsWith("_K_M", StringComparison.OrdinalIgnoreCase) ? name[..^2] : name, ignoreCase: true, out var type) ? type : null;
