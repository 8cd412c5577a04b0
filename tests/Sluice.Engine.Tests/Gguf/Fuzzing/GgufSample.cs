using Sluice.Benchmarks;
using Sluice.Engine.Gguf;

namespace Sluice.Engine.Tests.Gguf.Fuzzing;

/// <summary>A valid file to mutate, and how often to take it.</summary>
internal sealed class GgufSample(string name, byte[] bytes, int weight)
{
    public string Name => name;

    public byte[] Bytes => bytes;

    public int Weight => weight;

    public GgufFields Fields { get; } = GgufFields.Find(bytes);

    /// <summary>A file without tensors that has every type of value, in one version of the format.</summary>
    public static GgufSample EveryValueType(uint version, int weight)
    {
        var writer = new GgufWriter { Version = version };
        object[] scalars = [(byte)1, (sbyte)-1, (ushort)2, (short)-2, 3u, -3, 4UL, -4L, 0.5f, 0.25, true, "text", ReadOnlyMemory<byte>.Empty];
        foreach (var scalar in scalars)
            writer.Add("scalar." + scalar.GetType().Name, scalar);

        object[] arrays =
        [
            new List<byte> { 1, 2, 3 }, new sbyte[] { -1, 1 }, new ushort[] { 2, 3 }, new short[] { -2, 2 }, new uint[] { 3 }, new[] { -3, 3 },
            new ulong[] { 4 }, new long[] { -4 }, new[] { 0.5f, 1f }, new[] { 0.25, 1 }, new[] { true, false, true }, new[] { "one", "", "three" },
        ];
        foreach (var array in arrays)
            writer.Add("array." + array.GetType().Name, array);

        writer.AddEmpty("array.empty", GgufValueType.String);
        return Write($"values-v{version}", writer, weight);
    }

    /// <summary>Tensors of every type and rank, at an alignment of their own.</summary>
    public static GgufSample EveryTensorType(uint version, int alignment, int weight)
    {
        var writer = new GgufWriter { Version = version, Alignment = alignment };
        writer.Add("general.architecture", "llama");
        foreach (var type in Enum.GetValues<TensorType>())
        {
            var row = TensorTypes.GetBlock(type).Values;
            long[] dimensions = [row, 2, 1, 1];
            writer.AddTensor("t." + type, type, dimensions.AsSpan(0, 1 + ((int)type % 4)), (_, bytes) => bytes.Fill((byte)type));
        }

        return Write($"tensors-v{version}-{alignment}", writer, weight);
    }

    private const string Template = """
        {%- set ns = namespace(system='', count=0) -%}
        {%- macro turn(role, text='') -%}<{{ role | upper }}>{{ text | trim }}{{ eos_token }}{%- endmacro -%}
        {{- bos_token }}{%- if messages[0]['role'] == 'system' -%}{%- set ns.system = messages[0].content -%}{%- endif -%}
        {%- for message in messages[1:] if message.content is not none -%}
            {%- if message.role not in ['user', 'assistant', 'tool'] -%}{{ raise_exception('unknown role') }}{%- endif -%}
            {{- turn(message.role, ns.system ~ message['content'] | default('', true)) -}}
            {%- set ns.count = ns.count + loop.index0 * 2 // 3 -%}
        {%- else -%}{{ [1, 2.5, {'a': true}] | tojson(indent=2) }}{%- endfor -%}
        {{- messages | selectattr('role', 'equalto', 'user') | map(attribute='content') | join(', ') -}}
        {{- '%s' | string if ns.count > 0 and tools is defined else strftime_now('%d %b %Y')[:11] -}}
        """;

    /// <summary>A small vocabulary of SentencePiece's kind with a chat template that uses much of Jinja, without a model.</summary>
    public static GgufSample SentencePieceVocabulary(int weight)
    {
        const int Normal = 1, Unknown = 2, Control = 3, Byte = 6;
        List<(string Piece, int Type)> tokens = [("<unk>", Unknown), ("<s>", Control), ("</s>", Control)];
        tokens.AddRange(Enumerable.Range(0, 256).Select(value => ($"<0x{value:X2}>", Byte)));
        tokens.AddRange(((string[])["▁", "e", "t", "a", "o", "n", "▁t", "in", "▁a", "▁ti", "me", "▁time", "up", "on", "▁upon"]).Select(piece => (piece, Normal)));
        var writer = new GgufWriter();
        writer.Add("general.architecture", "llama");
        writer.Add("tokenizer.ggml.model", "llama");
        writer.Add("tokenizer.ggml.tokens", tokens.ConvertAll(token => token.Piece));
        writer.Add("tokenizer.ggml.token_type", tokens.ConvertAll(token => token.Type));
        writer.Add("tokenizer.ggml.scores", tokens.Select((_, id) => (float)-id).ToArray());
        writer.Add("tokenizer.ggml.bos_token_id", 1u);
        writer.Add("tokenizer.ggml.eos_token_id", 2u);
        writer.Add("tokenizer.ggml.add_space_prefix", true);
        writer.Add("tokenizer.chat_template", Template);
        return Write("sentencepiece", writer, weight);
    }

    /// <summary>A model that runs.</summary>
    public static GgufSample Model(RandomModel model, int weight)
    {
        using var stream = new MemoryStream();
        model.WriteTo(stream);
        return new GgufSample($"model-{model.Type}", stream.ToArray(), weight);
    }

    private static GgufSample Write(string name, GgufWriter writer, int weight)
    {
        using var stream = new MemoryStream();
        writer.WriteTo(stream);
        return new GgufSample(name, stream.ToArray(), weight);
    }
}
