using System.Collections.Frozen;

namespace Sluice.Engine.Tokens.PreTokenizers;

/// <summary>
/// The pre-tokenizers by the names that llama.cpp's converter writes (llama-vocab.cpp has the patterns). Where llama.cpp
/// only comes near a model's own pattern, because std::regex knows neither case nor marks outside of ASCII (tekken and
/// gpt-4o), this follows the model's own.
/// </summary>
internal static class PreTokenizerNames
{
    private static readonly GptWords Gpt2 = new();
    private static readonly Runs EachNumber = new(CharSets.Numbers) { Most = 1 };
    private static readonly Runs ThreeDigits = new(CharSets.AsciiDigits) { Least = 3, Most = 3 };
    private static readonly Runs EachBreak = new(CharSets.Breaks) { Most = 1 };
    private static readonly Runs BloomWords = new(CharSets.BloomWord) { Prefix = RunPrefix.Space };
    private static readonly Runs EastAsian = new(CharSets.DeepSeekEastAsian);

    private static readonly FrozenDictionary<string, PreTokenizer> ByName = Build();

    /// <summary>All names, in order.</summary>
    public static IEnumerable<string> All => ByName.Keys.Order(StringComparer.Ordinal);

    public static PreTokenizer? Find(string name) => ByName.GetValueOrDefault(name);

    private static FrozenDictionary<string, PreTokenizer> Build()
    {
        var names = new Dictionary<string, PreTokenizer>();
        void Add(PreTokenizer preTokenizer, params ReadOnlySpan<string> aliases)
        {
            foreach (var name in aliases)
                names.Add(name, preTokenizer);
        }

        Add(new PreTokenizer(new Runs(CharSets.Signs), Gpt2, new Runs(CharSets.Numbers), ThreeDigits), "default");
        Add(
            new PreTokenizer(Gpt2),
            "gpt-2", "phi-2", "mpt", "olmo", "jais", "trillion", "granite-docling", "exaone4", "gigachat", "a.x-4.0", "mellum", "modern-bert",
            "roberta-bpe", "jina-es", "jina-de", "jina-v1-en", "jina-v2-es", "jina-v2-de", "jina-v2-code");
        Add(new PreTokenizer(EachNumber, Gpt2), "starcoder", "refact", "command-r", "smollm", "codeshell", "exaone", "minerva-7b", "mellum2");
        Add(new PreTokenizer(new Runs(CharSets.FalconSigns), Gpt2, ThreeDigits), "falcon");

        Add(
            new PreTokenizer(new TiktokenWords()) { KeepsWholeTokens = true, AddsBos = true },
            "llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2", "jina-v5-nano");
        Add(new PreTokenizer(new TiktokenWords()), "dbrx", "smaug-bpe", "glm4", "chatglm-bpe");
        Add(
            new PreTokenizer(new TiktokenWords { MaxDigits = 1 }),
            "qwen2", "deepseek-r1-qwen", "kormo", "f2llmv2", "megrez", "stablelm2", "hunyuan", "solar-open", "grok-2",
            "bailingmoe", "bailingmoe2", "llada-moe");
        Add(new PreTokenizer(new TiktokenWords { MaxDigits = 1, Word = CharClass.Letter | CharClass.Mark }), "qwen35");
        Add(new PreTokenizer(new TiktokenWords { MaxDigits = 1, HasContractions = false }), "ufakzeka");
        Add(new PreTokenizer(new TiktokenWords { MaxDigits = 1, PunctuationTakesBreaks = false }), "seed-coder");
        Add(new PreTokenizer(new Runs(CharSets.Numbers) { Most = 3 }, new TiktokenWords { MaxDigits = int.MaxValue }) { KeepsWholeTokens = true }, "minicpm5");

        Add(new PreTokenizer(new CasedWords()), "gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2");
        Add(new PreTokenizer(new CasedWords { MaxDigits = 1, HasContractions = false }) { KeepsWholeTokens = true, AddsBos = true }, "tekken");

        Add(
            new PreTokenizer(
                EachBreak,
                new Runs(CharSets.DeepSeekLetters) { Prefix = RunPrefix.AnySpace },
                new Runs(CharSets.DeepSeekSigns) { Prefix = RunPrefix.AnySpace },
                new TrailingSpace(),
                EastAsian,
                new Runs(CharSets.Numbers)),
            "deepseek-llm");
        Add(
            new PreTokenizer(
                EachBreak,
                new Runs(CharSets.Letters) { Prefix = RunPrefix.AnySpace },
                new Runs(CharSets.Punctuation) { Prefix = RunPrefix.AnySpace },
                EastAsian,
                EachNumber),
            "deepseek-coder");
        Add(
            new PreTokenizer(new Runs(CharSets.Numbers) { Most = 3 }, new Runs(CharSets.HanAndKana), new DeepSeekWords()),
            "deepseek-v3", "hunyuan-dense", "joyai-llm", "hy_v4");

        Add(new PreTokenizer(BloomWords), "bloom", "poro-chat", "gpt3-finnish");
        Add(new PreTokenizer(BloomWords, EachNumber), "viking");
        return names.ToFrozenDictionary();
    }
}
