using Sluice.Engine.Gguf;
using Sluice.Engine.Tokens;

namespace Sluice.Engine.Tests.Gguf.Fuzzing;

/// <summary>All that is done with a model file once it parses.</summary>
internal static class FileUse
{
    private const string Text = "Once upon a time, in 1984: naïve 🦊s <|im_end|> don't\r\n\tstop \u0001 不是 \uD800";

    /// <summary>What a damaged file may end in.</summary>
    public static bool IsTypedError(Exception error) => error is GgufException;

    /// <summary>Reads all of a file, and runs what it describes.</summary>
    public static void Everything(GgufFile file)
    {
        ReadMetadata(file.Metadata);
        ReadTensors(file);
        if (file.Metadata.Contains("tokenizer.ggml.model"))
            Tokenize(Tokenizer.Load(file.Metadata));
    }

    /// <summary>Every value by the getter of its type, one by that of another, and every description.</summary>
    private static void ReadMetadata(GgufMetadata metadata)
    {
        foreach (var item in metadata.Describe())
        {
            Assert.True(metadata.Contains(item.Key));
            if (metadata.IsArray(item.Key))
                ReadArray(metadata, item);
            else
                ReadScalar(metadata, item);
        }

        if (metadata.Keys.Count > 0)
        {
            var key = metadata.Keys[^1];
            Assert.Throws<GgufException>(() => metadata.IsArray(key) ? metadata.GetString(key).Length : metadata.GetStrings(key).Length);
        }
    }

    private static void ReadTensors(GgufFile file)
    {
        foreach (var tensor in file.Tensors)
        {
            Assert.Same(tensor, file.FindTensor(tensor.Name));
            var data = file.GetData(tensor);
            Assert.Equal(tensor.ByteCount, data.Length);
            Assert.InRange(data.Count((byte)0), 0, data.Length);
        }
    }

    private static void ReadScalar(GgufMetadata metadata, GgufMetadataItem item)
    {
        switch (item.Type)
        {
            case "string":
                Assert.NotNull(metadata.GetString(item.Key));
                break;
            case "bool":
                metadata.GetBool(item.Key, false);
                break;
            case "f32" or "f64":
                metadata.GetFloat(item.Key, 0);
                break;
            case "u64" when ulong.Parse(item.Text) > long.MaxValue:
                Assert.Throws<GgufException>(() => metadata.GetInteger(item.Key));
                break;
            default:
                Assert.Equal(item.Text, metadata.GetInteger(item.Key).ToString());
                break;
        }
    }

    private static void ReadArray(GgufMetadata metadata, GgufMetadataItem item)
    {
        switch (item.Type[0])
        {
            case 's':
                var strings = metadata.GetByteStrings(item.Key);
                Assert.Equal(item.Count, strings.Count);
                Assert.Equal(metadata.GetStrings(item.Key).Length, strings.Count);
                for (var i = 0; i < strings.Count; i++)
                    Assert.InRange(strings[i].Count((byte)0), 0, strings[i].Length);

                break;
            case 'f':
                Assert.Equal(item.Count, metadata.GetFloats(item.Key).Length);
                break;
            case 'i' or 'u':
                try
                {
                    Assert.Equal(item.Count, metadata.GetIntegers(item.Key).Length);
                }
                catch (GgufException e)
                {
                    Assert.Contains("expected integers of 32 bits", e.Message.Replace($"expected at most {long.MaxValue}", "expected integers of 32 bits"));
                }

                break;
        }
    }

    /// <summary>Whatever the pieces are, encoding ends in tokens of the vocabulary and decoding in text.</summary>
    private static void Tokenize(Tokenizer tokenizer)
    {
        for (var special = 0; special < 2; special++)
        {
            var tokens = tokenizer.Encode(Text, addSpecial: special > 0, parseSpecial: special > 0);
            Assert.All(tokens, token => Assert.InRange(token, 0, tokenizer.VocabularySize - 1));
            Assert.NotNull(tokenizer.Decode(tokens, includeSpecial: special > 0));
            var detokenizer = new Detokenizer(tokenizer);
            foreach (var token in tokens)
                Assert.NotNull(detokenizer.Append(token));

            Assert.NotNull(detokenizer.Flush());
        }

        for (var token = 0; token < tokenizer.VocabularySize; token++)
        {
            Assert.True(tokenizer.GetBytes(token).Length >= 0);
            Assert.NotNull(tokenizer.GetPiece(token));
            tokenizer.IsEndOfGeneration(token);
            tokenizer.IsControl(token);
        }
    }
}
