namespace Sluice.Engine.Tokens.PreTokenizers;

/// <summary>The sets of characters that patterns spell out.</summary>
internal static class CharSets
{
    public static readonly CharSet Numbers = new(CharClass.Number);

    public static readonly CharSet Letters = new(CharClass.Letter);

    public static readonly CharSet Punctuation = new(CharClass.Punctuation);

    /// <summary><c>[\r\n]</c>.</summary>
    public static readonly CharSet Breaks = new(CharClass.None, [('\n', '\n'), ('\r', '\r')]);

    /// <summary><c>[0-9]</c>.</summary>
    public static readonly CharSet AsciiDigits = new(CharClass.None, [('0', '9')]);

    /// <summary><c>[\p{P}\$\+&lt;=&gt;\^~\|]</c>: all ASCII signs but the grave accent, and the punctuation of all scripts.</summary>
    public static readonly CharSet Signs = new(CharClass.Punctuation, [('$', '$'), ('+', '+'), ('<', '>'), ('^', '^'), ('|', '|'), ('~', '~')]);

    /// <summary>Falcon's form of <see cref="Signs"/>, with the grave accent.</summary>
    public static readonly CharSet FalconSigns = new(CharClass.Punctuation, [('$', '$'), ('+', '+'), ('<', '>'), ('^', '^'), ('`', '`'), ('|', '|'), ('~', '~')]);

    /// <summary>BLOOM's <c>[^(\s|.,!?…。，、।۔،)]</c>.</summary>
    public static readonly CharSet BloomWord = new(
        CharClass.Space,
        [('!', '!'), ('(', ')'), (',', ','), ('.', '.'), ('?', '?'), ('|', '|'), (0x060C, 0x060C), (0x06D4, 0x06D4), (0x0964, 0x0964), (0x2026, 0x2026), (0x3001, 0x3002), (0xFF0C, 0xFF0C)],
        isComplement: true);

    /// <summary>DeepSeek's <c>[一-龥ࠀ-一가-퟿]</c>.</summary>
    public static readonly CharSet DeepSeekEastAsian = new(CharClass.None, [(0x0800, 0x9FA5), (0xAC00, 0xD7FF)]);

    /// <summary>DeepSeek V3's <c>[一-龥぀-ゟ゠-ヿ]</c>: Han and kana.</summary>
    public static readonly CharSet HanAndKana = new(CharClass.None, [(0x3040, 0x30FF), (0x4E00, 0x9FA5)]);

    /// <summary>DeepSeek's <c>[!-/:-~！-／：-～‘-‟　-。]</c>.</summary>
    public static readonly CharSet DeepSeekSigns = new(CharClass.None, [('!', '/'), (':', '~'), (0x2018, 0x201F), (0x3000, 0x3002), (0xFF01, 0xFF0F), (0xFF1A, 0xFF5E)]);

    /// <summary>DeepSeek's letters of the scripts with case, spelled out in its tokenizer.json.</summary>
    public static readonly CharSet DeepSeekLetters = new(CharClass.None,
    [
        (0x0041, 0x005A), (0x0061, 0x007A), (0x00B5, 0x00B5), (0x00C0, 0x00D6), (0x00D8, 0x00F6), (0x00F8, 0x01BA),
        (0x01BC, 0x01BF), (0x01C4, 0x0293), (0x0295, 0x02AF), (0x0370, 0x0373), (0x0376, 0x0377), (0x037B, 0x037D),
        (0x037F, 0x037F), (0x0386, 0x0386), (0x0388, 0x038A), (0x038C, 0x038C), (0x038E, 0x03A1), (0x03A3, 0x03F5),
        (0x03F7, 0x0481), (0x048A, 0x052F), (0x0531, 0x0556), (0x10A0, 0x10C5), (0x13A0, 0x13F5), (0x13F8, 0x13FD),
        (0x1C90, 0x1CBA), (0x1CBD, 0x1CBF), (0x1D00, 0x1D2B), (0x1D6B, 0x1D77), (0x1D79, 0x1D9A), (0x1E00, 0x1F15),
        (0x1F18, 0x1F1D), (0x1F20, 0x1F45), (0x1F48, 0x1F4D), (0x1F50, 0x1F57), (0x1F59, 0x1F59), (0x1F5B, 0x1F5B),
        (0x1F5D, 0x1F5D), (0x1F5F, 0x1F7D), (0x1F80, 0x1FB4), (0x1FB6, 0x1FBC), (0x1FBE, 0x1FBE), (0x1FC2, 0x1FC4),
        (0x1FC6, 0x1FCC), (0x1FD0, 0x1FD3), (0x1FD6, 0x1FDB), (0x1FE0, 0x1FEC), (0x1FF2, 0x1FF4), (0x1FF6, 0x1FFC),
        (0x2102, 0x2102), (0x2107, 0x2107), (0x210A, 0x2113), (0x2115, 0x2115), (0x2119, 0x211D), (0x2124, 0x2124),
        (0x2126, 0x2126), (0x2128, 0x2128), (0x212A, 0x212D), (0x212F, 0x2134), (0x2139, 0x2139), (0x213C, 0x213F),
        (0x2145, 0x2149), (0x214E, 0x214E), (0x2183, 0x2184), (0x2C00, 0x2C7B), (0x2C7E, 0x2CE4), (0x2CEB, 0x2CEE),
        (0x2CF2, 0x2CF3), (0xA640, 0xA66D), (0xA680, 0xA69B), (0xA722, 0xA76F), (0xA771, 0xA787), (0xA78B, 0xA78E),
        (0xAB70, 0xABBF), (0xFB00, 0xFB06), (0xFB13, 0xFB17), (0xFF21, 0xFF3A), (0xFF41, 0xFF5A), (0x10400, 0x1044F),
        (0x104B0, 0x104D3), (0x104D8, 0x104FB), (0x10C80, 0x10CB2), (0x10CC0, 0x10CF2), (0x118A0, 0x118DF), (0x1E900, 0x1E943),
    ]);
}
