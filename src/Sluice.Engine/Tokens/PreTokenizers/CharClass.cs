namespace Sluice.Engine.Tokens.PreTokenizers;

/// <summary>What the patterns of pre-tokenizers ask of a character; the general categories of Unicode, several at once.</summary>
[Flags]
internal enum CharClass : byte
{
    None = 0,

    /// <summary>\p{L}.</summary>
    Letter = 1,

    /// <summary>\p{N}.</summary>
    Number = 2,

    /// <summary>\p{P}.</summary>
    Punctuation = 4,

    /// <summary>\p{S}.</summary>
    Symbol = 8,

    /// <summary>\p{M}.</summary>
    Mark = 16,

    /// <summary>\s: the property White_Space.</summary>
    Space = 32,

    /// <summary>What a word in capitals has: \p{Lu}, \p{Lt}, \p{Lm}, \p{Lo}, \p{M}.</summary>
    Upper = 64,

    /// <summary>What the rest of a word has: \p{Ll}, \p{Lm}, \p{Lo}, \p{M}.</summary>
    Lower = 128,
}

/// <summary>Questions to ask of a character's classes.</summary>
internal static class CharClassExtensions
{
    public static bool IsAny(this CharClass itself, CharClass classes) => (itself & classes) != CharClass.None;
}
