using System.Text;
using Sluice.Engine.Gguf;
using Sluice.Engine.Tokens;

namespace Sluice.Engine.Tests.Tokens;

/// <summary>Makes small vocabularies, whole or damaged, by way of a GGUF file in memory.</summary>
internal sealed class TestVocabulary
{
    private readonly List<ReadOnlyMemory<byte>> _pieces = [];
    private readonly List<int> _types = [];
    private readonly List<float> _scores = [];
    private readonly List<string> _merges = [];
    private readonly Dictionary<string, object> _keys = [];

    /// <summary>A SentencePiece vocabulary with the usual tokens 0 to 2 and a token for each byte.</summary>
    public static TestVocabulary SentencePiece()
    {
        var vocabulary = new TestVocabulary().Set("tokenizer.ggml.model", "llama");
        vocabulary.Add("<unk>", TokenType.Unknown).Add("<s>", TokenType.Control).Add("</s>", TokenType.Control);
        for (var value = 0; value < 256; value++)
            vocabulary.Add($"<0x{value:X2}>", TokenType.Byte);

        return vocabulary;
    }

    /// <summary>A byte-level vocabulary with a token for each byte: the byte itself is the id.</summary>
    public static TestVocabulary ByteLevel(string preTokenizer = "gpt-2")
    {
        var vocabulary = new TestVocabulary().Set("tokenizer.ggml.model", "gpt2").Set("tokenizer.ggml.pre", preTokenizer);
        for (var value = 0; value < 256; value++)
            vocabulary.Add(Encoding.UTF8.GetString(ByteAlphabet.Spell((byte)value)));

        return vocabulary;
    }

    public int Count => _pieces.Count;

    public TestVocabulary Add(string piece, TokenType type = TokenType.Normal, float score = 0)
        => Add(Encoding.UTF8.GetBytes(piece), type, score);

    public TestVocabulary Add(byte[] piece, TokenType type = TokenType.Normal, float score = 0)
    {
        _pieces.Add(piece);
        _types.Add((int)type);
        _scores.Add(score);
        return this;
    }

    /// <summary>Adds a merge, and its result as a token.</summary>
    public TestVocabulary Merge(string left, string right)
    {
        _merges.Add($"{left} {right}");
        return Add(left + right);
    }

    /// <summary>Sets or replaces a key; null leaves it out.</summary>
    public TestVocabulary Set(string key, object? value)
    {
        _keys[key] = value!;
        return this;
    }

    public GgufFile Write() => GgufFile.Parse(WriteBytes(), "test.gguf");

    public byte[] WriteBytes()
    {
        var writer = new GgufWriter();
        var keys = new Dictionary<string, object>
        {
            ["tokenizer.ggml.tokens"] = _pieces,
            ["tokenizer.ggml.token_type"] = _types,
            ["tokenizer.ggml.scores"] = _scores,
            ["tokenizer.ggml.merges"] = _merges,
        };
        foreach (var (key, value) in _keys)
            keys[key] = value;

        foreach (var (key, value) in keys)
        {
            if (value is System.Collections.IList { Count: 0 })
                writer.AddEmpty(key, GgufValueType.String);
            else if (value is not null)
                writer.Add(key, value);
        }

        using var stream = new MemoryStream();
        writer.WriteTo(stream);
        return stream.ToArray();
    }

    public Tokenizer Load()
    {
        using var file = Write();
        return Tokenizer.Load(file.Metadata);
    }
}
