using System.CommandLine;
using System.CommandLine.Invocation;
using Sluice.Engine;
using Sluice.Engine.Gguf;
using Sluice.Server.Configuration;
using Sluice.Streams.Storage;

namespace Sluice.Server.Commands;

/// <summary>Makes the engine that a command works with.</summary>
internal delegate IInferenceEngine EngineLoader(EngineOptions options, IProgress<LoadProgress> progress);

/// <summary>The commands; <c>serve</c> is meant where none is named.</summary>
internal static class CommandLine
{
    public static Task<int> RunAsync(string[] args)
        => RunAsync(args, Terminal.OfProcess(), static (options, progress) => InferenceEngine.Load(options, progress));

    public static async Task<int> RunAsync(string[] args, Terminal terminal, EngineLoader loadEngine)
    {
        var root = new RootCommand("Sluice: a streaming inference server. Its settings can also be environment variables (SLUICE_PORT for --port) or keys of a settings file.");
        ServeCommand.Define(root, terminal, loadEngine);
        root.Subcommands.Add(ServeCommand.Define(new Command("serve", "Serve a model over HTTP (what sluice does when no command is named)"), terminal, loadEngine));
        root.Subcommands.Add(RunCommand.Define(terminal, loadEngine));
        root.Subcommands.Add(InspectCommand.Define(terminal));
        root.Subcommands.Add(TokenizeCommand.Define(terminal));
        root.Subcommands.Add(KeyCommand.Define(terminal));

        var parsed = root.Parse(args);
        if (parsed.Action is ParseErrorAction)
        {
            return Refuse(terminal, parsed.Errors[0].Message);
        }

        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration
            {
                Output = terminal.Output,
                Error = terminal.Error,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null, // signals are each command's own matter
            });
        }
        catch (Exception fault) when (fault is UsageException or ModelLoadException or GgufException or StorageException)
        {
            return Refuse(terminal, fault.Message);
        }
    }

    private static int Refuse(Terminal terminal, string sentence)
    {
        terminal.Error.WriteLine($"sluice: {sentence}");
        return UsageException.ExitCode;
    }
}
