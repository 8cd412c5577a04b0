using System.Text;

namespace Sluice.Engine.Tokens.PreTokenizers;

/// <summary>What a run may have before it.</summary>
internal enum RunPrefix
{
    None,

    /// <summary><c>\s?</c>.</summary>
    AnySpace,

    /// <summary><c> ?</c>.</summary>
    Space,
}

/// <summary>A pattern of one set of characters, such as <c>\p{N}{1,3}</c> or <c>\s?\p{L}+</c>.</summary>
/// <param name="set">The characters.</param>
internal sealed class Runs(CharSet set) : SplitStage
{
    /// <summary>Least characters of a run.</summary>
    public int Least { get; init; } = 1;

    /// <summary>Most characters of a run.</summary>
    public int Most { get; init; } = int.MaxValue;

    /// <summary>A character before the run that belongs to it.</summary>
    public RunPrefix Prefix { get; init; }

    public override int Next(ReadOnlySpan<byte> text)
    {
        for (var at = 0; at < text.Length;)
        {
            var end = Match(text, at, out var length);
            if (end > 0)
                return at == 0 ? end : at;

            at += length;
        }

        return text.Length;
    }

    /// <summary>Where a match that begins at an index ends, or 0; and the length of the character there.</summary>
    private int Match(ReadOnlySpan<byte> text, int at, out int length)
    {
        Rune.DecodeFromUtf8(text[at..], out var first, out length);
        var precedes = Prefix switch
        {
            RunPrefix.AnySpace => Chars.ClassOf(first.Value).IsAny(CharClass.Space),
            RunPrefix.Space => first.Value == ' ',
            _ => false,
        };
        var end = precedes ? Run(text, at + length) : 0;
        return end > 0 ? end : Run(text, at);
    }

    private int Run(ReadOnlySpan<byte> text, int at)
    {
        var count = 0;
        while (count < Most && at < text.Length)
        {
            Rune.DecodeFromUtf8(text[at..], out var next, out var length);
            if (!set.Contains(next.Value))
                break;

            at += length;
            count++;
        }

        return count >= Least ? at : 0;
    }
}
