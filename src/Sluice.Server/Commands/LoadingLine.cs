using System.Globalization;
using Sluice.Engine;

namespace Sluice.Server.Commands;

/// <summary>One line on a terminal that shows how far loading is; nothing anywhere else.</summary>
internal sealed class LoadingLine(Terminal terminal, IProgress<LoadProgress>? next = null) : IProgress<LoadProgress>
{
    private const string Clear = "\r\u001b[K";
    private string _shown = "";

    public void Report(LoadProgress value)
    {
        next?.Report(value);
        var line = string.Create(CultureInfo.InvariantCulture, $"{value.Fraction * 100,3:0} %  {value.Activity}");
        if (terminal.ErrorIsTerminal && line != _shown)
        {
            _shown = line;
            terminal.Error.Write(Clear + line);
            terminal.Error.Flush();
        }
    }

    /// <summary>Takes the line away.</summary>
    public void End()
    {
        if (_shown.Length > 0)
        {
            terminal.Error.Write(Clear);
            terminal.Error.Flush();
        }
    }
}
