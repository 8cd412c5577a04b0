using System.Text;
using Sluice.Engine.Gguf;
using Sluice.Engine.Tokens;

namespace Sluice.Benchmarks.Serving.Workloads;

/// <summary>
/// Makes prompts of an exact number of tokens from a model's own vocabulary, in whole ASCII pieces, so that they can
/// be sent as token ids or as text.
/// </summary>
internal sealed class Prompts
{
    private readonly Tokenizer _tokenizer;
    private readonly int[] _pieces;
    private readonly int[] _words;

    public Prompts(string modelPath)
    {
        using var file = GgufFile.Open(modelPath);
        ContextLength = (int)file.Metadata.GetInteger(file.Metadata.GetString("general.architecture") + ".context_length");
        _tokenizer = Tokenizer.Load(file.Metadata);
        _pieces = [.. Enumerable.Range(0, _tokenizer.VocabularySize).Where(IsText)];
        _words = [.. _pieces.Where(token => _tokenizer.GetBytes(token) is [(byte)' ', _, ..])];
        if (_words.Length < 2)
            throw new ArgumentException($"{modelPath} has no words in its vocabulary, so that no prompts can be made of it.", nameof(modelPath));
    }

    /// <summary>Tokens that the model was trained to keep in view.</summary>
    public int ContextLength { get; }

    /// <summary>A random prompt.</summary>
    public int[] Tokens(int count, Random random) => [.. Enumerable.Range(0, count).Select(_ => _pieces[random.Next(_pieces.Length)])];

    /// <summary>Random words, about <paramref name="tokens"/> tokens of them.</summary>
    public string Words(int tokens, Random random)
        => string.Concat(Enumerable.Range(0, tokens).Select(_ => Encoding.ASCII.GetString(_tokenizer.GetBytes(_words[random.Next(_words.Length)])))).Trim();

    /// <summary>The text of a prompt's tokens; encoding it can give a few tokens more or fewer, which usage tells.</summary>
    public string TextOf(int[] tokens) => _tokenizer.Decode(tokens, includeSpecial: false);

    private bool IsText(int token)
    {
        if (_tokenizer.IsControl(token) || _tokenizer.IsEndOfGeneration(token))
            return false;

        var bytes = _tokenizer.GetBytes(token);
        return bytes.Length > 0 && !bytes.ContainsAnyExceptInRange((byte)' ', (byte)'~');
    }
}
