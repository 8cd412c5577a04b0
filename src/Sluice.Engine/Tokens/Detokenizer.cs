using System.Text;

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
    private readonly Decoder _decoder = Encoding.UTF8.GetDecoder();
    private char[] _chars = new char[32];
    private bool _hasBegun;

    /// <summary>
    /// Takes a token and returns the text that is certain now, which may be empty. A control token gives its piece;
    /// leave it out where it is to stay out of the text.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such token.</exception>
    public string Append(int token)
    {
        var bytes = fromBeginning && !_hasBegun ? tokenizer.GetFirstBytes(token) : tokenizer.GetBytes(token);
        _hasBegun = true;
        return Decode(bytes, flush: false);
    }

    /// <summary>Ends the text: what is still held back comes out as U+FFFD. The next token begins anew.</summary>
    public string Flush()
    {
        _hasBegun = false;
        return Decode([], flush: true);
    }

    private string Decode(ReadOnlySpan<byte> bytes, bool flush)
    {
        // Each byte gives at most one UTF-16 unit, and so do the up to three bytes that were held back.
        var most = bytes.Length + 3;
        if (_chars.Length < most)
            _chars = new char[Math.Max(most, 2 * _chars.Length)];

        var count = _decoder.GetChars(bytes, _chars, flush);
        return count == 0 ? "" : new string(_chars, 0, count);
    }
}
