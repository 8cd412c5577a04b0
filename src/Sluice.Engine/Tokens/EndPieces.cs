namespace Sluice.Engine.Tokens;

/// <summary>
/// Pieces by which published models end their answers, whatever the file's token ids say: instruction-tuned models
/// are often converted with the base model's end of text, and would talk past the end of their turn.
/// </summary>
internal static class EndPieces
{
    /// <summary>Pieces that no ordinary text has as a token.</summary>
    public static readonly string[] Certain =
    [
        "<|eot_id|>", "<|eom_id|>", // Llama 3
        "<|im_end|>", // ChatML
        "<|end|>", "<|endoftext|>", "<|end_of_text|>", // Phi, GPT, Granite
        "<|return|>", "<|call|>", // harmony
        "<|flush|>", "<|calls|>", // Solar
        "<end_of_turn>", // Gemma
        "<end_of_utterance>", // SmolVLM
        "<｜end▁of▁sentence｜>", // DeepSeek
        "<|fim_pad|>", "<|fim_repo|>", "<|repo_name|>", "<|file_sep|>", // code models between files
    ];

    /// <summary>Pieces that may also be ordinary tokens, of code say, and count only where the file calls them control tokens.</summary>
    public static readonly string[] WhereControl =
    [
        "</s>", "<eos>", "[EOS]", "[EOT]", "<EOT>", "_<EOT>",
        "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]", "<fim-repo>", "<REPO>", "<reponame>",
    ];
}
