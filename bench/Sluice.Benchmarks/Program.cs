using System.Globalization;
using BenchmarkDotNet.Running;
using Sluice.Benchmarks;
using Sluice.Engine.Gguf;

const string Help = """
    scripts/bench engine [MODEL.gguf ...]       prefill and decode rates of the whole engine; without a model,
                                                of the shipped one and of a 190M-class one with random weights
        --threads N   --runs N
    scripts/bench model 190M|1B TYPE PATH       writes a model with random weights; TYPE is Q8_0, Q4_0, Q4_K ...
    scripts/bench kernels [BenchmarkDotNet's options, such as --filter '*Q8_0*']
    """;

switch (args.FirstOrDefault())
{
    case "engine":
        return MeasureEngine(args[1..]);
    case "model" when args.Length == 4 && ShapeOf(args[1]) is { } shape && Enum.TryParse<TensorType>(args[2], ignoreCase: true, out var type):
        (shape with { Type = type }).WriteTo(args[3]);
        Console.WriteLine($"{args[3]}: {new FileInfo(args[3]).Length / 1e6:F1} MB");
        return 0;
    case "kernels":
        BenchmarkSwitcher.FromAssembly(typeof(EngineThroughput).Assembly).Run(args[1..]);
        return 0;
    case "--help" or "-h" or null:
        Console.WriteLine(Help);
        return 0;
    default:
        Console.Error.WriteLine($"'{string.Join(' ', args)}' is not understood. What there is:\n{Help}");
        return 2;
}

static RandomModel? ShapeOf(string name) => name.ToUpperInvariant() switch
{
    "190M" => RandomModel.Of190M,
    "1B" => RandomModel.Of1B,
    _ => null,
};

static int MeasureEngine(string[] arguments)
{
    var threads = Environment.ProcessorCount;
    var runs = 5;
    var models = new List<string>();
    for (var i = 0; i < arguments.Length; i++)
    {
        switch (arguments[i])
        {
            case "--threads" when i + 1 < arguments.Length:
                threads = int.Parse(arguments[++i], CultureInfo.InvariantCulture);
                break;
            case "--runs" when i + 1 < arguments.Length:
                runs = int.Parse(arguments[++i], CultureInfo.InvariantCulture);
                break;
            default:
                models.Add(arguments[i]);
                break;
        }
    }

    if (models.Count > 0)
    {
        models.ForEach(model => EngineThroughput.Print(model, threads, runs, Console.Out));
        return 0;
    }

    EngineThroughput.Print(Path.Combine("models", "rivulet-q8_0.gguf"), threads, runs, Console.Out);
    var random = Path.Combine(Path.GetTempPath(), $"sluice-190m-{Environment.ProcessId}.gguf");
    try
    {
        RandomModel.Of190M.WriteTo(random);
        EngineThroughput.Print(random, threads, runs, Console.Out);
    }
    finally
    {
        File.Delete(random);
    }

    return 0;
}
