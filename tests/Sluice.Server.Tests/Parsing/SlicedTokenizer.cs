using Sluice.Engine.Tokens;

namespace Sluice.Server.Tests.Parsing;

/// <summary>A vocabulary of the pieces that one text was cut into, in order: token i is the i-th.</summary>
internal sealed class SlicedTokenizer(byte[] text, IReadOnlyList<int> cuts) : Tokenizer
{
    public override int VocabularySize => cuts.Count + 1;

    public override int? BosToken => null;

    public override int? EosToken => null;

    public override bool AddsBos => false;

    public override bool AddsEos => false;

    public override bool IsEndOfGeneration(int token) => false;

    public override bool IsControl(int token) => false;

    public override ReadOnlySpan<byte> GetBytes(int token)
        => text.AsSpan()[(token == 0 ? 0 : cuts[token - 1])..(token == cuts.Count ? text.Length : cuts[token])];

    public override int[] Encode(ReadOnlySpan<char> text, bool addSpecial, bool parseSpecial) => throw new NotSupportedException();

    public override int[] Encode(IReadOnlyList<PromptSegment> segments, bool addSpecial) => throw new NotSupportedException();

    public override string GetPiece(int token) => throw new NotSupportedException();

    public override string Decode(ReadOnlySpan<int> tokens, bool includeSpecial) => throw new NotSupportedException();
}
