using Sluice.Engine.Tokens;

namespace Sluice.Engine.Tests.Tokens;

public sealed class SpecialTokenTests
{
    [Fact]
    public void ControlPieceInText_StaysTextUnlessParsed()
    {
        var tokenizer = TestVocabulary.ByteLevel().Add("<|im_end|>", TokenType.Control).Load();

        Assert.DoesNotContain(256, tokenizer.Encode("a<|im_end|>b", addSpecial: false, parseSpecial: false));
        Assert.Equal(['a', 256, 'b'], tokenizer.Encode("a<|im_end|>b", addSpecial: false, parseSpecial: true));
    }

    [Fact]
    public void UserDefinedPiece_IsFoundEverywhere()
    {
        var tokenizer = TestVocabulary.ByteLevel().Add("    ", TokenType.UserDefined).Load();

        Assert.Equal([256, 'x', ' '], tokenizer.Encode("    x ", addSpecial: false, parseSpecial: false));
        Assert.Equal("    x ", tokenizer.Decode([256, 'x', ' '], includeSpecial: false));
    }

    [Fact]
    public void UserDefinedPieceThatLooksLikeControl_IsControl()
    {
        // Converters of 2023 called the added tokens of chat models user-defined.
        var tokenizer = TestVocabulary.ByteLevel().Add("<|im_start|>", TokenType.UserDefined).Add("<｜User｜>", TokenType.UserDefined).Add("<tool_call>", TokenType.UserDefined).Load();

        Assert.Equal([true, true, false], new[] { 256, 257, 258 }.Select(tokenizer.IsControl));
        Assert.DoesNotContain(256, tokenizer.Encode("<|im_start|>", addSpecial: false, parseSpecial: false));
        Assert.Equal([256], tokenizer.Encode("<|im_start|>", addSpecial: false, parseSpecial: true));
        Assert.Equal([258], tokenizer.Encode("<tool_call>", addSpecial: false, parseSpecial: false));
    }

    [Fact]
    public void OverlappingPieces_TheLongestGoesFirstWhereverItIs()
    {
        var tokenizer = TestVocabulary.ByteLevel()
            .Add("ab", TokenType.UserDefined).Add("bcd", TokenType.UserDefined).Add("ddd", TokenType.UserDefined).Load();

        Assert.Equal(['a', 257], tokenizer.Encode("abcd", addSpecial: false, parseSpecial: false));
        Assert.Equal([256, 257, 258, 'd'], tokenizer.Encode("abbcddddd", addSpecial: false, parseSpecial: false));
    }

    [Fact]
    public void MergesThatSpellAControlPiece_DoNotMakeIt()
    {
        // The scores would merge < s > to the control token <s>.
        var vocabulary = TestVocabulary.SentencePiece().Add("<").Add("s").Add(">").Add("<s", score: 5).Set("tokenizer.ggml.add_space_prefix", false);
        var sentencePiece = vocabulary.Load();
        Assert.Equal("<s>", sentencePiece.Decode(sentencePiece.Encode("<s>", addSpecial: false, parseSpecial: false), includeSpecial: false));
        Assert.DoesNotContain(1, sentencePiece.Encode("<s>", addSpecial: false, parseSpecial: false));

        // Here the word is a control token as it is, and a merge makes it too.
        var byteLevel = TestVocabulary.ByteLevel("llama-bpe").Add("ab", TokenType.Control).Set("tokenizer.ggml.merges", new[] { "a b" })
            .Set("tokenizer.ggml.add_bos_token", false).Load();
        Assert.Equal(['a', 'b'], byteLevel.Encode("ab", addSpecial: false, parseSpecial: false));
    }

    [Fact]
    public void SentencePieceText_GetsASpaceAtTheBeginningAndAfterSpecialTokens()
    {
        var vocabulary = TestVocabulary.SentencePiece().Add("▁").Add("a").Add("▁a", score: 1);
        int space = vocabulary.Count - 3, a = space + 1, spaceA = space + 2;
        var tokenizer = vocabulary.Load();

        Assert.Equal([spaceA], tokenizer.Encode("a", addSpecial: false, parseSpecial: false));
        Assert.Equal([1, spaceA, a], tokenizer.Encode("aa", addSpecial: true, parseSpecial: false));
        Assert.Equal([spaceA, 2, spaceA], tokenizer.Encode("a</s>a", addSpecial: false, parseSpecial: true));
        Assert.Equal([2, space, spaceA], tokenizer.Encode("</s> a", addSpecial: false, parseSpecial: true));
        Assert.Equal([], tokenizer.Encode("", addSpecial: false, parseSpecial: true));
        Assert.Equal([1], tokenizer.Encode("", addSpecial: true, parseSpecial: true));

        var plain = vocabulary.Set("tokenizer.ggml.add_space_prefix", false).Load();
        Assert.Equal([a, 2, a], plain.Encode("a</s>a", addSpecial: false, parseSpecial: true));
    }

    [Fact]
    public void Phi3_EatsTheSpaceAfterItsPieces()
    {
        var tokenizer = TestVocabulary.SentencePiece().Set("general.name", "Phi-3 mini").Add("<|end|>", TokenType.Control).Add("▁").Add("a").Add("▁a", score: 1).Load();
        var end = 259;

        Assert.Equal([end, end + 3], tokenizer.Encode("<|end|> \n a", addSpecial: false, parseSpecial: true));
        Assert.Equal([1, end + 1, end + 3], tokenizer.Encode("<s> a", addSpecial: false, parseSpecial: true));
    }

    [Fact]
    public void MaskOfJina_EatsTheSpaceBefore()
    {
        var tokenizer = TestVocabulary.ByteLevel("jina-v2-code").Add("<mask>", TokenType.Control).Load();

        Assert.Equal(['a', 256, ' ', 'b'], tokenizer.Encode("a \t<mask> b", addSpecial: false, parseSpecial: true));
    }

    [Theory]
    [InlineData("llama-bpe", true)]
    [InlineData("tekken", true)]
    [InlineData("gpt-2", false)]
    [InlineData("qwen2", false)]
    public void ByteLevelVocabulary_AddsBosWhereTheModelsOfItsPreTokenizerDo(string preTokenizer, bool adds)
    {
        var vocabulary = TestVocabulary.ByteLevel(preTokenizer).Add("<bos>", TokenType.Control);
        Assert.False(vocabulary.Load().AddsBos);

        var tokenizer = vocabulary.Set("tokenizer.ggml.bos_token_id", 256u).Load();
        Assert.Equal((adds, 256, (int?)null), (tokenizer.AddsBos, tokenizer.BosToken, tokenizer.EosToken));
        Assert.Equal(adds ? [256, 'a'] : ['a'], tokenizer.Encode("a", addSpecial: true, parseSpecial: false));
        Assert.Equal(['a'], tokenizer.Encode("a", addSpecial: false, parseSpecial: false));
    }

    [Fact]
    public void SentencePieceVocabulary_HasTheUsualTokensWhereTheFileSaysNothing()
    {
        var tokenizer = TestVocabulary.SentencePiece().Load();

        Assert.Equal((1, 2, true, false), (tokenizer.BosToken, tokenizer.EosToken, tokenizer.AddsBos, tokenizer.AddsEos));
    }

    [Fact]
    public void AddEosToken_EndsTheText()
    {
        var tokenizer = TestVocabulary.SentencePiece().Add("▁").Set("tokenizer.ggml.add_eos_token", true).Load();

        Assert.Equal([1, 259, 3 + 'a', 2], tokenizer.Encode("a", addSpecial: true, parseSpecial: false));
    }

    [Fact]
    public void EndOfGeneration_IsEosEotEomAndTheKnownPieces()
    {
        var tokenizer = TestVocabulary.ByteLevel()
            .Add("<end>", TokenType.Control).Add("<turn>", TokenType.Control).Add("<message>", TokenType.Control)
            .Add("<|im_end|>").Add("</s>").Add("<|im_start|>", TokenType.Control)
            .Set("tokenizer.ggml.eos_token_id", 256u).Set("tokenizer.ggml.eot_token_id", 257u).Set("tokenizer.ggml.eom_token_id", 258u).Load();

        Assert.Equal([256, 257, 258, 259], Enumerable.Range(0, tokenizer.VocabularySize).Where(tokenizer.IsEndOfGeneration));

        // <|im_end|> steers whatever the file calls it; </s> may be text, of a vocabulary made of web pages say.
        Assert.True(tokenizer.IsControl(259));
        Assert.False(tokenizer.IsControl(260));
    }

    [Fact]
    public void EndOfSentenceThatTheFileCallsControl_EndsGeneration()
    {
        var tokenizer = TestVocabulary.ByteLevel().Add("</s>", TokenType.Control).Load();

        Assert.True(tokenizer.IsEndOfGeneration(256));
    }

    [Fact]
    public void HarmonyVocabulary_EndsMessagesWithoutEndingTheAnswer()
    {
        var tokenizer = TestVocabulary.ByteLevel().Add("<|end|>", TokenType.Control).Add("<|return|>", TokenType.Control).Add("<|call|>", TokenType.Control).Load();

        Assert.Equal([257, 258], Enumerable.Range(0, tokenizer.VocabularySize).Where(tokenizer.IsEndOfGeneration));
    }

    [Fact]
    public void ControlTokens_AppearInTextOnlyWhereAskedFor()
    {
        var tokenizer = TestVocabulary.ByteLevel().Add("<|im_end|>", TokenType.Control).Load();

        Assert.Equal("ab", tokenizer.Decode(['a', 256, 'b'], includeSpecial: false));
        Assert.Equal("a<|im_end|>b", tokenizer.Decode(['a', 256, 'b'], includeSpecial: true));
        Assert.Equal("<|im_end|>", tokenizer.GetPiece(256));
        Assert.Equal("<|im_end|>"u8, tokenizer.GetBytes(256));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(256)]
    [InlineData(int.MaxValue)]
    public void TokenOutsideOfTheVocabulary_IsRefused(int token)
    {
        var tokenizer = TestVocabulary.ByteLevel().Load();

        Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.GetBytes(token).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.GetPiece(token));
        Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.IsControl(token));
        Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.IsEndOfGeneration(token));
        Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.Decode([token], includeSpecial: true));
    }
}
