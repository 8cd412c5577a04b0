using System.Globalization;
using System.Text;

namespace Sluice.Engine.Tokens.PreTokenizers;

/// <summary>Characters of UTF-8 text and their classes. Texts are valid UTF-8; an index is the first byte of a character.</summary>
internal static class Chars
{
    // One byte for each character of the basic plane: all but a few texts need no more.
    private static readonly CharClass[] Basic = BuildBasic();

    /// <summary>The class of the character at an index, and its length in bytes; none and 0 at the text's end.</summary>
    public static CharClass ClassAt(ReadOnlySpan<byte> text, int at, out int length)
    {
        if ((uint)at >= (uint)text.Length)
        {
            length = 0;
            return CharClass.None;
        }

        var first = text[at];
        if (first < 0x80)
        {
            length = 1;
            return Basic[first];
        }

        Rune.DecodeFromUtf8(text[at..], out var rune, out length);
        return ClassOf(rune.Value);
    }

    public static CharClass ClassOf(int character) => character < Basic.Length ? Basic[character] : Classify(character);

    /// <summary>The index after the characters from <paramref name="at"/> on that have one of the classes.</summary>
    public static int SkipAny(ReadOnlySpan<byte> text, int at, CharClass classes)
    {
        while (ClassAt(text, at, out var length).IsAny(classes))
            at += length;

        return at;
    }

    /// <summary>The index after the characters from <paramref name="at"/> on that have none of the classes.</summary>
    public static int SkipNone(ReadOnlySpan<byte> text, int at, CharClass classes)
    {
        while (at < text.Length && !ClassAt(text, at, out var length).IsAny(classes))
            at += length;

        return at;
    }

    /// <summary>The index after the bytes from <paramref name="at"/> on that are among <paramref name="bytes"/>, all of them ASCII.</summary>
    public static int SkipBytes(ReadOnlySpan<byte> text, int at, ReadOnlySpan<byte> bytes)
    {
        while (at < text.Length && bytes.Contains(text[at]))
            at++;

        return at;
    }

    private static CharClass[] BuildBasic()
    {
        var classes = new CharClass[0x10000];
        for (var character = 0; character < classes.Length; character++)
            classes[character] = Classify(character);

        return classes;
    }

    private static CharClass Classify(int character)
    {
        var space = Rune.IsValid(character) && Rune.IsWhiteSpace(new Rune(character)) ? CharClass.Space : CharClass.None;
        return space | CharUnicodeInfo.GetUnicodeCategory(character) switch
        {
            UnicodeCategory.UppercaseLetter or UnicodeCategory.TitlecaseLetter => CharClass.Letter | CharClass.Upper,
            UnicodeCategory.LowercaseLetter => CharClass.Letter | CharClass.Lower,
            UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter => CharClass.Letter | CharClass.Upper | CharClass.Lower,
            UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark => CharClass.Mark | CharClass.Upper | CharClass.Lower,
            UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => CharClass.Number,
            UnicodeCategory.MathSymbol or UnicodeCategory.CurrencySymbol or UnicodeCategory.ModifierSymbol or UnicodeCategory.OtherSymbol => CharClass.Symbol,
            UnicodeCategory.ConnectorPunctuation or UnicodeCategory.DashPunctuation or UnicodeCategory.OpenPunctuation or UnicodeCategory.ClosePunctuation
                or UnicodeCategory.InitialQuotePunctuation or UnicodeCategory.FinalQuotePunctuation or UnicodeCategory.OtherPunctuation => CharClass.Punctuation,
            _ => CharClass.None,
        };
    }
}
