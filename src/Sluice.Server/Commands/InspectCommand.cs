using System.CommandLine;
using System.Globalization;
using Sluice.Engine.Gguf;

namespace Sluice.Server.Commands;

/// <summary><c>sluice inspect FILE</c>: what a model's file says of itself, without loading it.</summary>
internal static class InspectCommand
{
    public static Command Define(Terminal terminal)
    {
        var file = new Argument<string>("file") { Description = "A GGUF file; of a split model any of its parts" };
        var command = new Command("inspect", "Print a model's metadata and tensors") { file };
        command.SetAction(parsed => Inspect(parsed.GetRequiredValue(file), terminal));
        return command;
    }

    private static int Inspect(string path, Terminal terminal)
    {
        using var model = GgufFile.Open(path);
        var output = terminal.Output;
        output.WriteLine(Text($"{path}: GGUF version {model.Version}, {model.ByteCount:N0} bytes, {Files(model.PartNames.Count)}"));
        output.WriteLine();

        var items = model.Metadata.Describe().ToList();
        output.WriteLine(Text($"Metadata ({items.Count})"));
        WriteTable(output, items.Select(item => (string[])[item.Key, item.Type, item.Text]));
        output.WriteLine();

        output.WriteLine(Text($"Tensors ({model.Tensors.Count}, {model.Tensors.Sum(tensor => tensor.ElementCount):N0} elements)"));
        WriteTable(output, model.Tensors.Select(tensor => (string[])
            [tensor.Name, tensor.Type.ToString(), string.Join(" x ", tensor.Dimensions), Text($"{tensor.ByteCount:N0} bytes")]));
        return 0;
    }

    private static string Files(int count) => count == 1 ? "one file" : Text($"{count} files");

    /// <summary>Left-aligned columns, each as wide as its widest cell; the last is not padded.</summary>
    private static void WriteTable(TextWriter output, IEnumerable<string[]> rows)
    {
        var table = rows.ToList();
        var widths = new int[table.Count == 0 ? 0 : table[0].Length];
        foreach (var row in table)
        {
            for (var i = 0; i < widths.Length - 1; i++)
            {
                widths[i] = Math.Max(widths[i], row[i].Length);
            }
        }

        foreach (var row in table)
        {
            output.WriteLine("  " + string.Join("  ", row.Select((cell, i) => cell.PadRight(widths[i]))));
        }
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
