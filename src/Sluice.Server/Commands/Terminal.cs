using System.Text;

namespace Sluice.Server.Commands;

/// <summary>What a command reads and writes; apart from the process, so that tests run commands within theirs.</summary>
/// <param name="Input">Standard input, as bytes.</param>
/// <param name="Output">Standard output.</param>
/// <param name="Error">Standard error.</param>
internal sealed record Terminal(Stream Input, TextWriter Output, TextWriter Error)
{
    private static readonly UTF8Encoding PlainUtf8 = new(encoderShouldEmitUTF8Identifier: false);

    /// <summary>Whether a person looks at the output, as against a file or another program.</summary>
    public bool OutputIsTerminal { get; init; }

    /// <summary>Whether a person looks at the errors; progress and figures are for persons only.</summary>
    public bool ErrorIsTerminal { get; init; }

    /// <summary>Whether nobody types at the input.</summary>
    public bool InputIsRedirected { get; init; } = true;

    public static Terminal OfProcess() => new(
        Console.OpenStandardInput(),
        new StreamWriter(Console.OpenStandardOutput(), PlainUtf8) { AutoFlush = true },
        new StreamWriter(Console.OpenStandardError(), PlainUtf8) { AutoFlush = true })
    {
        OutputIsTerminal = !Console.IsOutputRedirected,
        ErrorIsTerminal = !Console.IsErrorRedirected,
        InputIsRedirected = Console.IsInputRedirected,
    };
}
