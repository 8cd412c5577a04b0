using System.Text;
using Sluice.Engine.Tokens;

namespace Sluice.Engine.Tests;

/// <summary>A token for each byte, and 256 for the end: enough to test what lies around a tokenizer.</summary>
internal sealed class ByteTokenizer : Tokenizer
{
    public const int Size = 257;

    private static readonly byte[][] Bytes = [.. Enumerable.Range(0, 256).Select(value => new[] { (byte)value }), "<end>"u8.ToArray()];

    public override int VocabularySize => Size;

    public override int? BosToken => null;

    public override int? EosToken => 256;

    public override bool AddsBos => false;

    public override bool AddsEos => false;

    public override bool IsEndOfGeneration(int token) => token == 256;

    public override bool IsControl(int token) => token == 256;

    public override int[] Encode(ReadOnlySpan<char> text, bool addSpecial, bool parseSpecial)
        => [.. Encoding.UTF8.GetBytes(text.ToArray()).Select(value => (int)value)];

    public override int[] Encode(IReadOnlyList<PromptSegment> segments, bool addSpecial)
        => Encode(string.Concat(segments.Select(segment => segment.Text)), addSpecial, parseSpecial: false);

    public override string GetPiece(int token) => Encoding.Latin1.GetString(Bytes[token]);

    public override ReadOnlySpan<byte> GetBytes(int token) => Bytes[token];

    public override string Decode(ReadOnlySpan<int> tokens, bool includeSpecial)
        => Encoding.UTF8.GetString([.. tokens.ToArray().Where(token => token < 256).Select(token => (byte)token)]);
}
