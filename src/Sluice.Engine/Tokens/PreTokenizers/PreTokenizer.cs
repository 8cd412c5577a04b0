using System.Runtime.CompilerServices;
using Sluice.Engine.Gguf;

namespace Sluice.Engine.Tokens.PreTokenizers;

/// <summary>
/// Splits text into words, within which byte-level BPE merges. Its stages follow each other: each splits the pieces of
/// the one before it further. Immutable.
/// </summary>
internal sealed class PreTokenizer
{
    /// <summary>The metadata key of a pre-tokenizer's name.</summary>
    public const string Key = "tokenizer.ggml.pre";

    private const int MaxStages = 6;

    private readonly SplitStage[] _stages;

    public PreTokenizer(params SplitStage[] stages)
    {
        _stages = stages.Length is >= 1 and <= MaxStages
            ? stages
            : throw new ArgumentException($"There are {stages.Length} stages; 1 to {MaxStages} are possible.", nameof(stages));
    }

    /// <summary>Whether a word that is a token stays whole, whatever the merges say.</summary>
    public bool KeepsWholeTokens { get; init; }

    /// <summary>Whether texts begin with the bos token where the file does not say.</summary>
    public bool AddsBos { get; init; }

    /// <exception cref="GgufException">The file names a pre-tokenizer that is not known.</exception>
    public static PreTokenizer Load(GgufMetadata metadata)
    {
        var name = metadata.GetStringOrNull(Key) ?? "default";
        return PreTokenizerNames.Find(name)
            ?? throw metadata.Invalid(Key, $"is '{name}', expected one of the supported pre-tokenizers: {string.Join(", ", PreTokenizerNames.All)}", name);
    }

    /// <summary>Splits a text; the words follow each other without gaps.</summary>
    /// <param name="text">Valid UTF-8.</param>
    public Words Split(ReadOnlySpan<byte> text) => new(_stages, text);

    /// <summary>The words of a text, one after the other.</summary>
    public ref struct Words
    {
        private readonly ReadOnlySpan<byte> _text;
        private readonly SplitStage[] _stages;

        // Where each stage's current piece ends.
        private Ends _ends;
        private int _start;
        private int _end;

        internal Words(SplitStage[] stages, ReadOnlySpan<byte> text)
        {
            _stages = stages;
            _text = text;
        }

        public readonly ReadOnlySpan<byte> Current => _text[_start.._end];

        public readonly Words GetEnumerator() => this;

        public bool MoveNext()
        {
            _start = _end;
            if (_start == _text.Length)
                return false;

            var limit = _text.Length;
            for (var stage = 0; stage < _stages.Length; stage++)
            {
                if (_ends[stage] == _start)
                    _ends[stage] = _start + _stages[stage].Next(_text[_start..limit]);

                limit = _ends[stage];
            }

            _end = limit;
            return true;
        }
    }

    [InlineArray(MaxStages)]
    private struct Ends
    {
        private int _first;
    }
}
