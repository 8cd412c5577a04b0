using System.Text;
using Sluice.Engine.Gguf;
using Sluice.Engine.Tokens;

namespace Sluice.Engine.Tests.Tokens;

public sealed class PairMergerTests
{
    [Fact]
    public void RandomMerges_MergeTheLowestRankFirst_BySearchAndByQueue()
    {
        var random = new Random(4);
        for (var round = 0; round < 50; round++)
        {
            var merges = RandomMerges(random, random.Next(1, 25));
            using var file = Write(merges);
            var vocabulary = Read(file);
            var (bySearch, byQueue) = (Merger(file, vocabulary, maxSearched: int.MaxValue), Merger(file, vocabulary, maxSearched: 0));
            for (var text = 0; text < 10; text++)
            {
                var word = Word(random, random.Next(1, 50));
                var expected = MergeNaively(word, merges).Select(piece => vocabulary.Ids.Find(Encoding.UTF8.GetBytes(piece)));
                Assert.Equal(expected, Encode(bySearch, word));
                Assert.Equal(expected, Encode(byQueue, word));
            }
        }
    }

    [Fact]
    public void RandomScores_MergeTheHighestFirst_BySearchAndByQueue()
    {
        var random = new Random(5);
        for (var round = 0; round < 50; round++)
        {
            var pieces = RandomMerges(random, random.Next(1, 25)).Select(merge => merge.Left + merge.Right).Distinct().Order(StringComparer.Ordinal).ToArray();
            var vocabulary = TestVocabulary.SentencePiece().Add("a").Add("b").Add("c");
            var scores = new Dictionary<string, int>();
            foreach (var piece in pieces)
            {
                // Few values, so that there are ties.
                scores[piece] = random.Next(-6, 3);
                vocabulary.Add(piece, score: scores[piece]);
            }

            using var file = vocabulary.Write();
            var read = Read(file);
            var ranks = Enumerable.Range(0, read.Count).Select(token => 10 - scores.GetValueOrDefault(Encoding.UTF8.GetString(read.Pieces[token]))).ToArray();
            var tables = new ScoreMerger.Tables(read, ranks, new int[256]);
            for (var text = 0; text < 10; text++)
            {
                var word = Word(random, random.Next(1, 50));
                var expected = MergeNaively(word, scores).Select(piece => read.Ids.Find(Encoding.UTF8.GetBytes(piece)));
                Assert.Equal(expected, Encode(new ScoreMerger(tables) { MaxSearched = int.MaxValue }, word));
                Assert.Equal(expected, Encode(new ScoreMerger(tables) { MaxSearched = 0 }, word));
            }
        }
    }

    [Theory]
    [InlineData("a")]
    [InlineData("ab")]
    [InlineData("aab")]
    [InlineData("abcc")]
    public void LongWord_TakesLookupsInProportionToItsLength(string unit)
    {
        const int Length = 100_000;
        var random = new Random(6);
        using var file = Write(RandomMerges(random, 60));
        var merger = Merger(file, Read(file), maxSearched: 24);

        Encode(merger, string.Concat(Enumerable.Repeat(unit, Length / unit.Length)));

        // One for each pair at first, and at most two for each merge, of which each removes a symbol.
        Assert.InRange(merger.Lookups, Length / 2, 3 * Length);
    }

    [Fact]
    public void MergesThatAreListedTwice_CountByTheFirst()
    {
        using var file = TestVocabulary.ByteLevel().Add("ab").Add("bc").Set("tokenizer.ggml.merges", new[] { "a b", "b c", "a b" }).Write();

        Assert.Equal([256, 'c'], Encode(Merger(file, Read(file), maxSearched: 24), "abc"));
    }

    private static GgufFile Write(List<(string Left, string Right)> merges)
    {
        var vocabulary = TestVocabulary.ByteLevel();
        foreach (var piece in merges.Select(merge => merge.Left + merge.Right).Distinct())
            vocabulary.Add(piece);

        return vocabulary.Set("tokenizer.ggml.merges", merges.ConvertAll(merge => $"{merge.Left} {merge.Right}")).Write();
    }

    private static Vocabulary Read(GgufFile file)
        => Vocabulary.Read(file.Metadata, new VocabularyDefaults(Bos: null, Eos: null, Unknown: null, AddsBos: false));

    private static RankMerger Merger(GgufFile file, Vocabulary vocabulary, int maxSearched)
        => new(MergeTable.Read(file.Metadata, vocabulary), [.. Enumerable.Range(0, 256)]) { MaxSearched = maxSearched };

    private static List<int> Encode(PairMerger merger, string word)
    {
        var output = new List<int>();
        merger.Encode(Encoding.UTF8.GetBytes(word), output);
        return output;
    }

    private static string Word(Random random, int length)
        => string.Concat(Enumerable.Range(0, length).Select(_ => (char)('a' + random.Next(3))));

    private static List<(string Left, string Right)> RandomMerges(Random random, int count)
    {
        List<string> pieces = ["a", "b", "c"];
        var merges = new List<(string, string)>();
        for (var i = 0; i < count; i++)
        {
            var merge = (Left: pieces[random.Next(pieces.Count)], Right: pieces[random.Next(pieces.Count)]);
            if (merge.Left.Length + merge.Right.Length > 30 || merges.Contains(merge))
                continue;

            merges.Add(merge);
            if (!pieces.Contains(merge.Left + merge.Right))
                pieces.Add(merge.Left + merge.Right);
        }

        return merges;
    }

    private static List<string> MergeNaively(string word, List<(string Left, string Right)> merges)
        => MergeNaively(word, (left, right) => merges.IndexOf((left, right)) is >= 0 and var rank ? rank : null);

    private static List<string> MergeNaively(string word, Dictionary<string, int> scores)
        => MergeNaively(word, (left, right) => scores.TryGetValue(left + right, out var score) ? -score : null);

    private static List<string> MergeNaively(string word, Func<string, string, int?> rankOf)
    {
        var symbols = word.Select(letter => letter.ToString()).ToList();
        while (true)
        {
            (int At, int Rank)? best = null;
            for (var i = 0; i + 1 < symbols.Count; i++)
            {
                if (rankOf(symbols[i], symbols[i + 1]) is { } rank && (best is null || rank < best.Value.Rank))
                    best = (i, rank);
            }

            if (best is not { } found)
                return symbols;

            symbols[found.At] += symbols[found.At + 1];
            symbols.RemoveAt(found.At + 1);
        }
    }
}
