using System.Buffers;
using System.Buffers.Text;
using System.Globalization;

namespace Sluice.Server.Protocols;

/// <summary>
/// A reader's place in a stream that is told in blocks, as their ids tell it: <c>17</c> is after event 17, and
/// <c>17.2</c> is after two of the blocks that event 17 is told in.
/// </summary>
/// <param name="Number">Event number.</param>
/// <param name="Blocks">Blocks of the event that were received, where there are more; 0 where the reader has the whole event.</param>
internal readonly record struct EventPosition(long Number, int Blocks = 0)
{
    /// <summary>Number of the last event that the reader has as a whole.</summary>
    public long After => Blocks == 0 ? Number : Number - 1;

    public static bool TryParse(string text, out EventPosition position)
    {
        position = default;
        var dot = text.IndexOf('.', StringComparison.Ordinal);
        var number = dot < 0 ? text : text[..dot];
        var blocks = 0;
        if (!long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            || (dot >= 0 && (!int.TryParse(text.AsSpan(dot + 1), NumberStyles.None, CultureInfo.InvariantCulture, out blocks) || blocks == 0 || value == 0)))
        {
            return false;
        }

        position = new EventPosition(value, blocks);
        return true;
    }

    public void WriteTo(IBufferWriter<byte> output)
    {
        Write(Number, output);
        if (Blocks > 0)
        {
            output.Write("."u8);
            Write(Blocks, output);
        }
    }

    public override string ToString()
        => Blocks == 0 ? Number.ToString(CultureInfo.InvariantCulture) : string.Create(CultureInfo.InvariantCulture, $"{Number}.{Blocks}");

    private static void Write(long number, IBufferWriter<byte> output)
    {
        Utf8Formatter.TryFormat(number, output.GetSpan(20), out var length);
        output.Advance(length);
    }
}
