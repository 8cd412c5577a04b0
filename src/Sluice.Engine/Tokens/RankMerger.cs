namespace Sluice.Engine.Tokens;

/// <summary>Merges the bytes of a word by a list of merges.</summary>
/// <param name="merges">The list.</param>
/// <param name="byteTokens">For each byte: its token, or -1. Bytes without one vanish, as in llama.cpp and in the models' own tokenizers.</param>
internal sealed class RankMerger(MergeTable merges, int[] byteTokens) : PairMerger
{
    protected override void Divide(ReadOnlySpan<byte> text)
    {
        for (var at = 0; at < text.Length; at++)
            Add(at, 1, byteTokens[text[at]]);
    }

    protected override int FindPair(ReadOnlySpan<byte> text, in Symbol left, in Symbol right, out int rank)
    {
        if (left.Token >= 0 && right.Token >= 0)
            return merges.Find(left.Token, right.Token, out rank);

        rank = 0;
        return -1;
    }

    protected override void Emit(ReadOnlySpan<byte> text, int token, List<int> output)
    {
        if (token >= 0)
            output.Add(token);
    }
}
