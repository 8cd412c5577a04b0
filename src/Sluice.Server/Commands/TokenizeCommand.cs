using System.CommandLine;
using System.Text;
using Sluice.Engine.Gguf;
using Sluice.Engine.Tokens;
using Sluice.Server.Configuration;

namespace Sluice.Server.Commands;

/// <summary><c>sluice tokenize</c>: standard input to token ids, as one line of JSON. Reads a model's vocabulary only.</summary>
internal static class TokenizeCommand
{
    public static Command Define(Terminal terminal)
    {
        var special = new Option<bool>("--special") { Description = "Add the special tokens that the model wants, and parse those in the text" };
        var command = new Command("tokenize", "Turn the text on standard input into token ids") { special };
        var flags = new SettingFlags(command, [Setting.Model]);
        command.SetAction(async (parsed, cancellation) =>
        {
            using var model = GgufFile.Open(ServerOptions.ModelPathFrom(flags.Gather(parsed)));
            var tokenizer = Tokenizer.Load(model.Metadata);

            // The bytes as they are: a StreamReader would take a byte order mark away.
            using var bytes = new MemoryStream();
            await terminal.Input.CopyToAsync(bytes, cancellation);
            var text = Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length);
            var addAndParse = parsed.GetValue(special);
            await terminal.Output.WriteLineAsync($"[{string.Join(", ", tokenizer.Encode(text, addAndParse, addAndParse))}]");
            return 0;
        });
        return command;
    }
}
