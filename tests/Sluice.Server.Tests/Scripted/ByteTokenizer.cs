using System.Text;
using Sluice.Engine.Tokens;

namespace Sluice.Server.Tests.Scripted;

/// <summary>A token for every byte, and four special ones after them.</summary>
public sealed class ByteTokenizer : Tokenizer
{
    public const int Bos = 256;
    public const int Eos = 257;
    public const int TurnStart = 258;
    public const int TurnEnd = 259;

    private static readonly string[] Special = ["<bos>", "<eos>", "<|im_start|>", "<|im_end|>"];

    private static readonly byte[][] Pieces =
        [.. Enumerable.Range(0, 256).Select(value => (byte[])[(byte)value]), .. Special.Select(Encoding.UTF8.GetBytes)];

    public override int VocabularySize => Pieces.Length;

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
                var special = parseSpecial ? Array.FindIndex(Special, piece => text.AsSpan(at).StartsWith(piece, StringComparison.Ordinal)) : -1;
                if (special >= 0)
                {
                    tokens.Add(Bos + special);
                    at += Special[special].Length;
                    continue;
                }

                var length = char.IsHighSurrogate(text[at]) ? 2 : 1;
                tokens.AddRange(Encoding.UTF8.GetBytes(text.Substring(at, length)).Select(value => (int)value));
                at += length;
            }
        }

        return [.. tokens];
    }

    public override ReadOnlySpan<byte> GetBytes(int token) => Pieces[token];

    public override string GetPiece(int token) => Encoding.UTF8.GetString(Pieces[token]);

    public override string Decode(ReadOnlySpan<int> tokens, bool includeSpecial)
    {
        var bytes = new List<byte>();
        foreach (var token in tokens)
        {
            if (includeSpecial || !IsControl(token))
            {
                bytes.AddRange(Pieces[token]);
            }
        }

        return Encoding.UTF8.GetString([.. bytes]);
    }
}
