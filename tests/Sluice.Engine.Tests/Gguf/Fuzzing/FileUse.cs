using Sluice.Engine.Gguf;
using Sluice.Engine.Models;
using Sluice.Engine.Requests;
using Sluice.Engine.Tokens;
using Sluice.Engine.Tokens.Templates;
using Sluice.Streams;

namespace Sluice.Engine.Tests.Gguf.Fuzzing;

/// <summary>All that is done with a model file once it parses.</summary>
internal sealed class FileUse
{
    private const string Text = "Once upon a time, in 1984: naïve 🦊s <|im_end|> don't\r\n\tstop \u0001 不是 \uD800";

    /// <summary>Files whose model computed tokens.</summary>
    public int ModelsRun { get; private set; }

    /// <summary>What a damaged file may end in.</summary>
    public static bool IsTypedError(Exception error) => error is GgufException or ModelLoadException;

    /// <summary>Reads all of a file, and runs what it describes.</summary>
    public void Everything(GgufFile file)
    {
        ReadMetadata(file.Metadata);
        ReadTensors(file);
        if (file.Metadata.Contains("tokenizer.ggml.model"))
            Tokenize(Tokenizer.Load(file.Metadata));

        if (file.Metadata.GetStringOrNull("tokenizer.chat_template") is { } template)
            RenderChat(template);

        if (file.Tensors.Count > 0)
            Generate(file);
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

    /// <summary>A template writes a prompt or says why not; the model can be used without it.</summary>
    private static void RenderChat(string source)
    {
        ChatMessage[] messages = [new("system", "Be brief."), new("user", "Tell me <|im_end|> more."), new("assistant", null), new("tool", "7")];
        try
        {
            var prompt = ChatTemplate.Parse(source).Render(new ChatTemplateInput(messages) { BosToken = "<s>", EosToken = "</s>" });
            Assert.All(prompt.Segments, segment => Assert.NotEqual("", segment.Text));
        }
        catch (ChatTemplateException e)
        {
            Assert.NotEqual("", e.Problem);
        }
    }

    /// <summary>A model that loads computes tokens: its stream ends with one terminal event.</summary>
    private void Generate(GgufFile file)
    {
        using var engine = ModelLoader.Load(file, new EngineOptions { ModelPath = "fuzz.gguf", Threads = 1 }, progress: null, TimeProvider.System);
        Assert.InRange(engine.Model.ContextLength, 1, int.MaxValue);
        var request = new GenerationRequest { Prompt = [0, engine.Model.Tokenizer.VocabularySize - 1], MaxTokens = 2, Logprobs = 3, IgnoreEos = true };
        if (engine.Model.ContextLength < request.Prompt.Length + request.MaxTokens)
            return;

        using var end = new StreamEnd();
        engine.Start(request, end, CancellationToken.None);
        Assert.IsType<StreamFinished>(end.Wait());
        ModelsRun++;
    }

    private sealed class StreamEnd : IStreamWriter, IDisposable
    {
        private readonly ManualResetEventSlim _ended = new();
        private StreamEvent? _last;

        public void Append(StreamEvent streamEvent)
        {
            Assert.False(_ended.IsSet, "An event follows the terminal one.");
            _last = streamEvent;
            if (streamEvent.IsTerminal)
                _ended.Set();
        }

        public StreamEvent Wait()
        {
            _ended.Wait(TestContext.Current.CancellationToken);
            return _last!;
        }

        public void Dispose() => _ended.Dispose();
    }
}
