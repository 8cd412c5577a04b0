using System.Buffers;
using System.Text;
using Sluice.Engine.Gguf;

namespace Sluice.Engine.Tokens;

/// <summary>What a token is, by the numbers of <c>tokenizer.ggml.token_type</c> (llama.h, llama_token_type).</summary>
internal enum TokenType : byte
{
    Undefined = 0,
    Normal = 1,
    Unknown = 2,
    Control = 3,
    UserDefined = 4,
    Unused = 5,
    Byte = 6,
}

/// <summary>What holds where the file does not say, which depends on the kind of tokenizer.</summary>
internal readonly record struct VocabularyDefaults(int? Bos, int? Eos, int? Unknown, bool AddsBos);

/// <summary>A model's tokens as the file has them, checked: pieces, types, and those with a part to play. Immutable.</summary>
internal sealed class Vocabulary
{
    public const string TokensKey = "tokenizer.ggml.tokens";
    public const string TypesKey = "tokenizer.ggml.token_type";

    private readonly TokenType[] _types;
    private readonly HashSet<int> _endsOfGeneration;

    private Vocabulary(GgufMetadata metadata, VocabularyDefaults defaults)
    {
        Pieces = ReadPieces(metadata);
        _types = ReadTypes(metadata, Pieces.Count);
        Ids = Index(metadata, Pieces);
        for (var token = 0; token < Count; token++)
        {
            if (_types[token] == TokenType.UserDefined && LooksLikeControl(Pieces[token]))
                _types[token] = TokenType.Control;
        }

        Bos = ReadId(metadata, "tokenizer.ggml.bos_token_id", defaults.Bos);
        Eos = ReadId(metadata, "tokenizer.ggml.eos_token_id", defaults.Eos);
        Unknown = ReadId(metadata, "tokenizer.ggml.unknown_token_id", defaults.Unknown);
        AddsBos = ReadAdds(metadata, "tokenizer.ggml.add_bos_token", defaults.AddsBos, Bos, "bos");
        AddsEos = ReadAdds(metadata, "tokenizer.ggml.add_eos_token", fallback: false, Eos, "eos");
        _endsOfGeneration = FindEndsOfGeneration(metadata);
    }

    public int Count => _types.Length;

    /// <summary>The pieces as the file spells them.</summary>
    public PieceBytes Pieces { get; }

    /// <summary>Finds a token by its piece. Empty pieces are not to be found.</summary>
    public PieceTable Ids { get; }

    public int? Bos { get; }

    public int? Eos { get; }

    /// <summary>The token of text that no other token can express.</summary>
    public int? Unknown { get; }

    public bool AddsBos { get; }

    public bool AddsEos { get; }

    /// <exception cref="GgufException">The vocabulary is missing or contradicts itself.</exception>
    public static Vocabulary Read(GgufMetadata metadata, VocabularyDefaults defaults) => new(metadata, defaults);

    public TokenType TypeOf(int token) => _types[token];

    /// <summary>Whether the token steers the model: text that happens to spell it must not become it.</summary>
    public bool IsControl(int token) => _types[token] is TokenType.Control or TokenType.Unknown;

    /// <summary>Whether plain text may become the token.</summary>
    public bool IsText(int token) => _types[token] is not (TokenType.Control or TokenType.Unknown or TokenType.Byte);

    public bool IsEndOfGeneration(int token) => _endsOfGeneration.Contains(token);

    private static PieceBytes ReadPieces(GgufMetadata metadata)
    {
        var strings = metadata.GetByteStrings(TokensKey);
        if (strings.Count == 0)
            throw metadata.Invalid(TokensKey, "is empty, expected at least one token");

        return PieceBytes.Build(strings.Count, (token, to) => to.Write(strings[token]));
    }

    private static TokenType[] ReadTypes(GgufMetadata metadata, int count)
    {
        var result = new TokenType[count];
        if (metadata.GetIntegersOrNull(TypesKey) is not { } types)
        {
            Array.Fill(result, TokenType.Normal);
            return result;
        }

        if (types.Length != count)
            throw metadata.Invalid(TypesKey, $"has {types.Length} elements, expected {count}, one for each token", $"{types.Length}");

        for (var token = 0; token < count; token++)
        {
            if (types[token] is < (int)TokenType.Undefined or > (int)TokenType.Byte)
                throw metadata.Invalid(TypesKey, $"is {types[token]} for token {token}, expected 0 to {(int)TokenType.Byte}", $"{types[token]}");

            result[token] = (TokenType)types[token];
        }

        return result;
    }

    private static PieceTable Index(GgufMetadata metadata, PieceBytes pieces)
    {
        var table = new PieceTable(pieces, pieces.Count);
        for (var token = 0; token < pieces.Count; token++)
        {
            if (pieces[token].IsEmpty)
                continue;

            var first = table.Add(token);
            if (first >= 0)
            {
                var piece = Encoding.UTF8.GetString(pieces[token]);
                throw metadata.Invalid(TokensKey, $"has the piece '{piece}' twice, for tokens {first} and {token}", piece);
            }
        }

        return table;
    }

    /// <summary>
    /// Whether a piece can only be there to steer the model. Old files call such tokens user-defined, which would let
    /// any text have them; the converter has since gone by their look too.
    /// </summary>
    private static bool LooksLikeControl(ReadOnlySpan<byte> piece)
        => (piece.StartsWith("<|"u8) && piece.EndsWith("|>"u8)) || (piece.StartsWith("<｜"u8) && piece.EndsWith("｜>"u8));

    private static bool ReadAdds(GgufMetadata metadata, string key, bool fallback, int? token, string name)
    {
        var adds = metadata.GetBool(key, fallback && token is not null);
        return !adds || token is not null
            ? adds
            : throw metadata.Invalid(key, $"is true, but the vocabulary has no {name} token", "true");
    }

    /// <summary>A token by its role. Writers that have no such token leave the key out or write -1.</summary>
    private int? ReadId(GgufMetadata metadata, string key, int? fallback)
    {
        if (metadata.GetIntegerOrNull(key) is not { } id)
            return fallback < Count ? fallback : null;

        if (id is -1 or uint.MaxValue)
            return null;

        return id >= 0 && id < Count
            ? (int)id
            : throw metadata.Invalid(key, $"is {id}, expected a token below {Count}", $"{id}");
    }

    private HashSet<int> FindEndsOfGeneration(GgufMetadata metadata)
    {
        var ends = new HashSet<int>();
        ReadOnlySpan<string> keys =
        [
            "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id", "tokenizer.ggml.fim_pad_token_id",
            "tokenizer.ggml.fim_rep_token_id", "tokenizer.ggml.fim_sep_token_id",
        ];
        if (Eos is { } eos)
            ends.Add(eos);

        foreach (var key in keys)
        {
            if (ReadId(metadata, key, fallback: null) is { } token)
                ends.Add(token);
        }

        foreach (var piece in EndPieces.Certain)
        {
            // Some files call these ordinary tokens; a text that spells them would end answers and prompts at will.
            var token = Ids.Find(Encoding.UTF8.GetBytes(piece));
            if (token >= 0)
            {
                _types[token] = TokenType.Control;
                ends.Add(token);
            }
        }

        foreach (var piece in EndPieces.WhereControl)
        {
            var token = Ids.Find(Encoding.UTF8.GetBytes(piece));
            if (token >= 0 && _types[token] is TokenType.Control)
                ends.Add(token);
        }

        // In OpenAI's harmony format <|end|> ends a message, not the answer.
        if (Has(ends, "<|return|>") && Has(ends, "<|call|>"))
            ends.Remove(Ids.Find("<|end|>"u8));

        return ends;
    }

    private bool Has(HashSet<int> ends, string piece) => ends.Contains(Ids.Find(Encoding.UTF8.GetBytes(piece)));
}
