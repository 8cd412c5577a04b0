using System.Text;
using Sluice.Engine.Tokens;

namespace Sluice.Server.Tests.Scripted;

/// <summary>A token for every byte, and special ones after them: four, and those that a test wants.</summary>
public sealed class ByteTokenizer(params string[] more) : Tokenizer
{
    public const int Bos = 256;
    public const int Eos = 257;
    public const int TurnStart = 258;
    public const int TurnEnd = 259;

    private readonly string[] _special = ["<bos>", "<eos>", "<|im_start|>", "<|im_end|>", .. more];

    private static readonly byte[][] Bytes = [.. Enumerable.Range(0, 256).Select(value => (byte[])[(byte)value])];

    public override int VocabularySize => Bytes.Length + _special.Length;

    public override int? BosToken => Bos;

    public override int? EosToken => Eos;

    public override bool AddsBos => true;

    public override bool AddsEos => false;

    public override bool IsEndOfGeneration(int token) => token is Eos or TurnEnd;

    public override bool IsControl(int token) => token >= Bos;

    public override int[] Encode(ReadOnlySpan<char> text, bool addSpecial, bool parseSpecial)
        => Encode([new PromptSegment(text.ToString(), parseSpecial)], addSpecial);

    public override int[] Encode(IReadOnlyList<PromptSegment> segments, bool addSpecial)
    {
        List<int> tokens = addSpecial ? [Bos] : [];
        foreach (var (text, parseSpecial) in segments)
        {
            for (var at = 0; at < text.Length;)
            {
                var special = parseSpecial ? Array.FindIndex(_special, piece => text.AsSpan(at).StartsWith(piece, StringComparison.Ordinal)) : -1;
                if (special >= 0)
                {
                    tokens.Add(Bos + special);
                    at += _special[special].Length;
                    continue;
                }

                var length = char.IsHighSurrogate(text[at]) ? 2 : 1;
                tokens.AddRange(Encoding.UTF8.GetBytes(text.Substring(at, length)).Select(value => (int)value));
                at += length;
            }
        }

        return [.. tokens];
    }

    public override ReadOnlySpan<byte> GetBytes(int token) => token < Bos ? Bytes[token] : Encoding.UTF8.GetBytes(_special[token - Bos]);

    public override string GetPiece(int token) => Encoding.UTF8.GetString(GetBytes(token));

    public override string Decode(ReadOnlySpan<int> tokens, bool includeSpecial)
    {
        var bytes = new List<byte>();
        foreach (var token in tokens)
        {
            if (includeSpecial || !IsControl(token))
            {
                bytes.AddRange(GetBytes(token));
            }
        }

        return Encoding.UTF8.GetString([.. bytes]);
    }
}
