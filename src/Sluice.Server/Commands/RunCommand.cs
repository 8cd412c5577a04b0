using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Sluice.Engine;
using Sluice.Engine.Requests;
using Sluice.Engine.Tokens.Templates;
using Sluice.Server.Api.Chat;
using Sluice.Server.Configuration;
using Sluice.Streams;

namespace Sluice.Server.Commands;

/// <summary><c>sluice run "prompt"</c>: one answer, streamed to the terminal.</summary>
internal static class RunCommand
{
    /// <summary>What a shell expects of a program that Ctrl-C ended: 128 + SIGINT.</summary>
    private const int Interrupted = 130;

    public static Command Define(Terminal terminal, EngineLoader loadEngine)
    {
        var prompt = new Argument<string?>("prompt") { Description = "What to say to the model; standard input when it is left out", Arity = ArgumentArity.ZeroOrOne };
        var system = new Option<string?>("--system") { HelpName = "TEXT", Description = "What the model is told before the prompt" };
        var raw = new Option<bool>("--raw") { Description = "Continue the prompt as plain text, without the model's chat template" };
        var maxTokens = new Option<int?>("--max-tokens") { HelpName = "N", Description = "Most tokens to generate (default: to the end of the context)" };
        var temperature = new Option<float?>("--temperature") { HelpName = "T", Description = "0 always takes the likeliest token (default: 1)" };
        var topK = new Option<int?>("--top-k") { HelpName = "K", Description = "Choose among the K likeliest tokens (default: all)" };
        var topP = new Option<float?>("--top-p") { HelpName = "P", Description = "Choose among the likeliest tokens whose probabilities reach P (default: 1)" };
        var minP = new Option<float?>("--min-p") { HelpName = "P", Description = "Choose among tokens at least P times as likely as the likeliest (default: 0)" };
        var seed = new Option<ulong?>("--seed") { HelpName = "N", Description = "Makes the answer repeatable (default: random)" };
        var command = new Command("run", "Answer one prompt on the terminal")
        {
            prompt, system, raw, maxTokens, temperature, topK, topP, minP, seed,
        };
        var flags = new SettingFlags(command, Setting.OfEngine);
        command.SetAction(async (parsed, cancellation) =>
        {
            var options = ServerOptions.EngineOptionsFrom(flags.Gather(parsed));
            var text = parsed.GetValue(prompt) ?? await ReadPromptAsync(terminal, cancellation);
            var line = new LoadingLine(terminal);
            var engine = loadEngine(options, line);
            line.End();
            try
            {
                var request = new GenerationRequest
                {
                    Prompt = Encode(engine.Model, text, parsed.GetValue(system), parsed.GetValue(raw)),
                    MaxTokens = parsed.GetValue(maxTokens),
                    ArrivedAt = TimeProvider.System.GetTimestamp(),
                    Sampling = new SamplingOptions
                    {
                        Temperature = parsed.GetValue(temperature) ?? 1,
                        TopK = parsed.GetValue(topK) ?? 0,
                        TopP = parsed.GetValue(topP) ?? 1,
                        MinP = parsed.GetValue(minP) ?? 0,
                        Seed = parsed.GetValue(seed) ?? unchecked((ulong)Random.Shared.NextInt64()),
                    },
                };
                var refusal = RequestValidator.Validate(request, engine.Model.ContextLength, engine.Model.Tokenizer.VocabularySize);
                return refusal is null ? await AnswerAsync(engine, request, terminal) : throw new UsageException(refusal.Message);
            }
            finally
            {
                (engine as IDisposable)?.Dispose();
            }
        });
        return command;
    }

    private static async Task<string> ReadPromptAsync(Terminal terminal, CancellationToken cancellation)
    {
        if (!terminal.InputIsRedirected)
        {
            throw new UsageException("Say something to the model: sluice run \"Tell me a story about a fox and a lighthouse.\"");
        }

        using var reader = new StreamReader(terminal.Input, Encoding.UTF8, detectEncodingFromByteOrderMarks: false, leaveOpen: true);
        return await reader.ReadToEndAsync(cancellation);
    }

    private static ImmutableArray<int> Encode(LoadedModel model, string text, string? system, bool raw)
    {
        if (raw || model.ChatTemplate is null)
        {
            return system is null
                ? ImmutableArray.Create(model.Tokenizer.Encode(text, addSpecial: true, parseSpecial: true))
                : throw new UsageException("--system needs a chat template, which is not used here; write its text into the prompt.");
        }

        List<ChatMessage> chat = [new ChatMessage("user", text)];
        if (system is not null)
        {
            chat.Insert(0, new ChatMessage("system", system));
        }

        return ChatPrompt.Encode(chat, templateValues: null, addGenerationPrompt: true, model).Succeeded(out var prompt, out var error)
            ? prompt
            : throw new UsageException(error.Message);
    }

    private static async Task<int> AnswerAsync(IInferenceEngine engine, GenerationRequest request, Terminal terminal)
    {
        using var stop = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context =>
        {
            context.Cancel = true; // the signal stops the generation; the end of the stream ends the process
            stop.Cancel();
        });
        var log = new StreamLog();
        if (engine.Start(request, log, stop.Token) is { } full)
        {
            throw new UsageException(full.Message);
        }

        using var cursor = log.Read();
        var stopped = false;
        try
        {
            while (await cursor.WaitToReadAsync(CancellationToken.None))
            {
                while (cursor.TryRead(out var entry))
                {
                    switch (entry.Event)
                    {
                        case StreamDelta delta:
                            stopped |= delta.Finish == FinishReason.Cancelled;
                            await terminal.Output.WriteAsync(terminal.OutputIsTerminal ? Printable(delta.Text) : delta.Text);
                            await terminal.Output.FlushAsync(CancellationToken.None);
                            break;
                        case StreamFinished finished:
                            await terminal.Output.WriteLineAsync();
                            await terminal.Output.FlushAsync(CancellationToken.None);
                            WriteFigures(finished, terminal);
                            break;
                        case StreamFailed failed:
                            await terminal.Output.WriteLineAsync();
                            throw new UsageException(failed.Message);
                    }
                }
            }
        }
        catch (IOException)
        {
            // Whoever read the pipe has had enough.
            await stop.CancelAsync();
        }

        return stopped ? Interrupted : 0;
    }

    /// <summary>Without the control characters by which a text could command the terminal.</summary>
    private static string Printable(string text)
        => text.Any(IsCommand) ? string.Concat(text.Where(character => !IsCommand(character))) : text;

    private static bool IsCommand(char character) => char.IsControl(character) && character is not ('\n' or '\t');

    private static void WriteFigures(StreamFinished finished, Terminal terminal)
    {
        if (!terminal.OutputIsTerminal || !terminal.ErrorIsTerminal)
        {
            return;
        }

        var (usage, timings) = (finished.Usage, finished.Timings);
        var rate = timings.Decode > TimeSpan.Zero ? (usage.CompletionTokens - 1) / timings.Decode.TotalSeconds : 0;
        terminal.Error.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{usage.PromptTokens} + {usage.CompletionTokens} tokens, first text after {timings.TimeToFirstToken?.TotalMilliseconds ?? 0:0} ms, {rate:0} tokens/s"));
    }
}
