using System.Text;
using System.Text.Unicode;

namespace Sluice.Engine.Tokens;

/// <summary>
/// Turns tokens into text one by one. Text comes out the moment that it is certain: only the bytes that begin a
/// character whose rest is still to come are held back. Bytes that are no UTF-8 become U+FFFD, and what comes out
/// piece by piece is what <see cref="Encoding.UTF8"/> makes of all the bytes at once. Not safe for use by many threads.
/// </summary>
/// <param name="tokenizer">The vocabulary of the tokens.</param>
/// <param name="fromBeginning">
/// Whether the tokens are a whole text from its beginning, so that the space which a SentencePiece vocabulary puts
/// before every text is taken off again; false for text that goes on, as generated text does.
/// </param>
public sealed class Detokenizer(Tokenizer tokenizer, bool fromBeginning = false)
{
    private byte[] _bytes = new byte[16];
    private char[] _chars = new char[16];
    private int _held;
    private bool _hasBegun;

    /// <summary>
    /// Takes a token and returns the text that is certain now, which may be empty. A control token gives its piece;
    /// leave it out where it is to stay out of the text.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such token.</exception>
    public string Append(int token) => new(Next(token));

    /// <summary>Ends the text: what is still held back comes out as U+FFFD. The next token begins anew.</summary>
    public string Flush() => new(End());

    /// <summary><see cref="Append"/> without a string of its own: the text is valid until the next call.</summary>
    internal ReadOnlySpan<char> Next(int token)
    {
        var bytes = fromBeginning && !_hasBegun ? tokenizer.GetFirstBytes(token) : tokenizer.GetBytes(token);
        _hasBegun = true;
        return Decode(bytes, flush: false);
    }

    /// <summary><see cref="Flush"/> without a string of its own: the text is valid until the next call.</summary>
    internal ReadOnlySpan<char> End()
    {
        _hasBegun = false;
        return Decode([], flush: true);
    }

    private ReadOnlySpan<char> Decode(ReadOnlySpan<byte> bytes, bool flush)
    {
        // The bytes that were held back come first; each byte gives at most one UTF-16 unit. (A Decoder would do, but
        // it allocates for every byte that is no UTF-8.)
        var count = _held + bytes.Length;
        if (_bytes.Length < count)
        {
            Array.Resize(ref _bytes, Math.Max(count, 2 * _bytes.Length));
            _chars = new char[_bytes.Length];
        }

        bytes.CopyTo(_bytes.AsSpan(_held));
        Utf8.ToUtf16(_bytes.AsSpan(0, count), _chars, out var read, out var written, replaceInvalidSequences: true, isFinalBlock: flush);
        _held = count - read;
        _bytes.AsSpan(read, _held).CopyTo(_bytes);
        return _chars.AsSpan(0, written);
    }
}
