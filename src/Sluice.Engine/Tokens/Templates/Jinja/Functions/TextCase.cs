using System.Globalization;
using System.Text;
using Sluice.Engine.Tokens.Templates.Jinja.Values;

namespace Sluice.Engine.Tokens.Templates.Jinja.Functions;

/// <summary>
/// Upper and lower case, and what kind of characters a string has. One character maps to one, as Unicode's simple
/// mappings do; of the mappings to several only ß to SS is known, and of those by context only the final sigma.
/// </summary>
internal static class TextCase
{
    public static string Upper(string text) => text.Replace("ß", "SS", StringComparison.Ordinal).ToUpperInvariant();

    public static string Lower(string text)
    {
        var lower = text.ToLowerInvariant();
        if (!text.Contains('Σ'))
        {
            return lower;
        }

        var letters = lower.ToCharArray();
        for (var i = 1; i < letters.Length; i++)
        {
            if (text[i] == 'Σ' && char.IsLetter(text[i - 1]) && (i + 1 == text.Length || !char.IsLetter(text[i + 1])))
            {
                letters[i] = 'ς';
            }
        }

        return new string(letters);
    }

    public static string Fold(string text) => text.Replace("ß", "ss", StringComparison.Ordinal).ToLowerInvariant().Replace('ς', 'σ');

    public static string Swap(string text) => Map(text, (rune, _) => Rune.IsUpper(rune) ? Lower(rune.ToString()) : Upper(rune.ToString()));

    /// <summary>The first character in upper case, the others in lower.</summary>
    public static string Capitalize(string text)
    {
        if (text.Length == 0 || !Rune.TryGetRuneAt(text, 0, out var first))
        {
            return text;
        }

        return TitleOf(first) + Lower(text[first.Utf16SequenceLength..]);
    }

    /// <summary>Each letter that stands behind something without case in upper case, the others in lower.</summary>
    public static string Title(string text) => Map(text, (rune, before) => before is { } b && Characters.IsCased(b) ? Lower(rune.ToString()) : TitleOf(rune));

    public static bool IsLower(string text) => HasCase(text, rune => !Rune.IsUpper(rune));

    public static bool IsUpper(string text) => HasCase(text, rune => !Rune.IsLower(rune));

    public static bool IsTitle(string text)
    {
        var hasCased = false;
        var isInWord = false;
        foreach (var rune in text.EnumerateRunes())
        {
            if (isInWord ? Rune.IsUpper(rune) : Rune.IsLower(rune))
            {
                return false;
            }

            isInWord = Characters.IsCased(rune);
            hasCased |= isInWord;
        }

        return hasCased;
    }

    public static bool All(string text, Func<Rune, bool> has) => text.Length > 0 && text.EnumerateRunes().All(has);

    public static bool IsLetter(Rune rune) => Rune.IsLetter(rune);

    public static bool IsDecimal(Rune rune) => Rune.GetUnicodeCategory(rune) == UnicodeCategory.DecimalDigitNumber;

    public static bool IsDigit(Rune rune) => CharUnicodeInfo.GetDigitValue(rune.ToString(), 0) >= 0;

    public static bool IsNumeric(Rune rune) => CharUnicodeInfo.GetNumericValue(rune.ToString(), 0) >= 0;

    private static bool HasCase(string text, Func<Rune, bool> fits) => text.EnumerateRunes().All(fits) && text.EnumerateRunes().Any(Characters.IsCased);

    private static string TitleOf(Rune rune) => rune.Value == 'ß' ? "Ss" : Rune.ToUpperInvariant(rune).ToString();

    private static string Map(string text, Func<Rune, Rune?, string> map)
    {
        var mapped = new StringBuilder(text.Length);
        Rune? before = null;
        foreach (var rune in text.EnumerateRunes())
        {
            mapped.Append(map(rune, before));
            before = rune;
        }

        return mapped.ToString();
    }
}
