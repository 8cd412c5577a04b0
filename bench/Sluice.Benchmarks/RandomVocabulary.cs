using Sluice.Engine.Gguf;

namespace Sluice.Benchmarks;

/// <summary>
/// A working byte-level BPE vocabulary without a corpus: the 256 bytes, then letter sequences from short to long
/// until it is full, so that English takes three to four letters a token, and three control tokens for ChatML.
/// </summary>
internal static class RandomVocabulary
{
    /// <summary>The bytes and the control tokens, no merges.</summary>
    public const int LeastSize = 256 + 3;

    private const string EndOfText = "<|endoftext|>";
    private const string MessageStart = "<|im_start|>";
    private const string MessageEnd = "<|im_end|>";

    private const int NormalToken = 1;
    private const int ControlToken = 3;

    private const string ChatTemplate =
        "{% for message in messages %}{{ '" + MessageStart + "' + message['role'] + '\n' + message['content'] + '" + MessageEnd + "\n' }}{% endfor %}"
        + "{% if add_generation_prompt %}{{ '" + MessageStart + "assistant\n' }}{% endif %}";

    public static void AddTo(GgufWriter writer, int size)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, LeastSize);
        var (pieces, merges) = MakePieces(size - 3);
        var types = Enumerable.Repeat(NormalToken, pieces.Count).Concat(Enumerable.Repeat(ControlToken, 3)).ToArray();
        pieces.AddRange([EndOfText, MessageStart, MessageEnd]);

        writer.Add("tokenizer.ggml.model", "gpt2");
        writer.Add("tokenizer.ggml.pre", "gpt-2");
        writer.Add("tokenizer.ggml.tokens", pieces);
        writer.Add("tokenizer.ggml.token_type", types);
        if (merges.Count > 0)
            writer.Add("tokenizer.ggml.merges", merges);
        else
            writer.AddEmpty("tokenizer.ggml.merges", GgufValueType.String);

        writer.Add("tokenizer.ggml.bos_token_id", (uint)pieces.IndexOf(EndOfText));
        writer.Add("tokenizer.ggml.eos_token_id", (uint)pieces.IndexOf(MessageEnd));
        writer.Add("tokenizer.ggml.add_bos_token", false);
        writer.Add("tokenizer.chat_template", ChatTemplate);
    }

    /// <summary>
    /// Whether a token is a piece of ASCII text: no control token, no control character, no part of a longer character.
    /// Where a model says nothing else, each of its tokens is a chunk of text at every server.
    /// </summary>
    /// <param name="token">The token.</param>
    /// <param name="size">The vocabulary's size.</param>
    public static bool IsText(int token, int size) => token < size - 3 && token is (>= 0x20 and <= 0x7E) or >= 256;

    private static (List<string> Pieces, List<string> Merges) MakePieces(int size)
    {
        var pieces = Enumerable.Range(0, 256).Select(value => LetterOf((byte)value).ToString()).ToList();
        var merges = new List<string>();

        // Breadth first: every piece of letters, with a leading space or without, goes on by each letter.
        var open = new Queue<string>([LetterOf((byte)' ').ToString(), .. Letters.Select(letter => letter.ToString())]);
        while (pieces.Count < size)
        {
            var stem = open.Dequeue();
            foreach (var letter in Letters[..Math.Min(Letters.Length, size - pieces.Count)])
            {
                merges.Add($"{stem} {letter}");
                pieces.Add($"{stem}{letter}");
                open.Enqueue($"{stem}{letter}");
            }
        }

        return (pieces, merges);
    }

    private const string Letters = "etaoinshrdlcumwfgypbvkjxqz";

    /// <summary>GPT-2's printable stand-in for a byte: itself where it is printable Latin-1, else U+0100 and up in order.</summary>
    private static char LetterOf(byte value)
    {
        if (IsPrintable(value))
            return (char)value;

        var before = 0;
        for (var other = 0; other < value; other++)
            before += IsPrintable((byte)other) ? 0 : 1;

        return (char)(256 + before);
    }

    private static bool IsPrintable(byte value) => value is (>= (byte)'!' and <= (byte)'~') or (>= 0xA1 and <= 0xAC) or >= 0xAE;
}
