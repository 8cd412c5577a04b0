using System.Globalization;
using Sluice.Engine.Cache;
using Sluice.Engine.Gguf;
using Sluice.Engine.Kernels;
using Sluice.Engine.Requests;
using Sluice.Engine.Scheduling;
using Sluice.Engine.Tokens;
using Sluice.Engine.Tokens.Templates;
using Sluice.Streams;

namespace Sluice.Engine.Models;

/// <summary>From a file and options to a running engine; everything that can be wrong is found here.</summary>
internal static class ModelLoader
{
    /// <summary>
    /// Most KV blocks, four million tokens: each takes some memory beside its keys and values, which a file that claims
    /// an endless context must not make large.
    /// </summary>
    private const int MostBlocks = 1 << 18;

    // What the KV memory holds where nobody says how much it may take, as far as a quarter of the memory holds it: so many
    // contexts, but room for several hundred short answers, and no more blocks than that unless one context needs more.
    private const int DefaultContexts = 16;
    private const int DefaultLeastBlocks = (1 << 17) / KvLayout.BlockSize;
    private const int DefaultMostBlocks = 1 << 16;

    public static InferenceEngine Load(EngineOptions options, IProgress<LoadProgress>? progress, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(options);
        progress?.Report(new LoadProgress(0, "reading the file"));
        using var file = GgufFile.Open(options.ModelPath);
        return Load(file, options, progress, clock);
    }

    /// <summary>Loads an open file; the engine keeps nothing of it.</summary>
    public static InferenceEngine Load(GgufFile file, EngineOptions options, IProgress<LoadProgress>? progress, TimeProvider clock)
    {
        CheckLimits(options);
        var configuration = ModelConfiguration.Read(file.Metadata);
        if (KvHead.Problem(options.KvType, configuration.HeadSize) is { } problem)
        {
            throw new ModelLoadException($"{file.Metadata.FileName}: {problem}; choose {KvType.F16} or {KvType.F32}.");
        }

        var layout = configuration.KvLayout(options.KvType);
        var (context, blockCount) = FitMemory(configuration, layout, options);
        var tokenizer = Tokenizer.Load(file.Metadata);
        var threads = Threads(options);
        BlockPool? blocks = null;
        Transformer? transformer = null;
        try
        {
            blocks = new BlockPool(layout, blockCount);
            transformer = Transformer.Load(file, configuration, blocks, new WorkerPool(threads), progress);
            if (tokenizer.VocabularySize != transformer.VocabularySize)
            {
                throw new ModelLoadException($"{file.Metadata.FileName}: the tokenizer has {tokenizer.VocabularySize} tokens and the embedding {transformer.VocabularySize}; the file is damaged.");
            }

            var (template, templateProblem) = ReadTemplate(file.Metadata);
            var info = new FileInfo(options.ModelPath);
            var model = new LoadedModel
            {
                Id = Path.GetFileNameWithoutExtension(options.ModelPath),
                Architecture = configuration.Architecture,
                Parameters = file.Tensors.Sum(static tensor => tensor.ElementCount),
                TensorType = TensorTypeOf(file),
                FileSize = info.Exists ? info.Length : 0,
                ContextLength = context,
                Tokenizer = tokenizer,
                ChatTemplate = template,
                ChatTemplateProblem = templateProblem,
                Fingerprint = ModelFingerprint.Of(file, options.KvType, context),
                Created = info.Exists ? new DateTimeOffset(info.LastWriteTimeUtc) : clock.GetUtcNow(),
            };
            progress?.Report(new LoadProgress(1, "warming up"));
            var budget = new TokenBudget(options.StepTime);
            WarmUp(transformer, blocks, tokenizer, context, budget);
            return new InferenceEngine(model, transformer, blocks, budget, new Admission(options.MaxQueuedRequests, options.MaxQueuedTokens, clock), clock);
        }
        catch (Exception fault)
        {
            transformer?.Dispose();
            blocks?.Dispose();
            if (fault is OutOfMemoryException)
            {
                throw new ModelLoadException("The machine has too little free memory for the model's weights, keys and values; allow less KV memory, or use a smaller model.", fault);
            }

            throw;
        }
    }

    /// <summary>A template that we cannot read makes a model no worse at completing text, so it is told to who asks for a chat.</summary>
    private static (ChatTemplate? Template, string? Problem) ReadTemplate(GgufMetadata metadata)
    {
        try
        {
            return (metadata.GetStringOrNull("tokenizer.chat_template") is { } source ? ChatTemplate.Parse(source) : null, null);
        }
        catch (ChatTemplateException fault)
        {
            return (null, fault.Message);
        }
    }

    /// <summary>
    /// Computes a prompt and some tokens of nothing, so that the first request does not wait for the compiler: it alone
    /// took ten times as long as the second. What a step costs is learned where the compiler is done.
    /// </summary>
    private static void WarmUp(Transformer transformer, BlockPool blocks, Tokenizer tokenizer, int context, TokenBudget budget)
    {
        var scheduler = new Scheduler(blocks, maxSequences: 1);
        var step = new Step(transformer, scheduler);
        for (var round = 0; round < 2; round++)
        {
            // Another prompt each time: one that the prefix index has would take no step.
            var request = new GenerationRequest { Prompt = [.. Enumerable.Repeat(round % tokenizer.VocabularySize, Math.Clamp(context - 1, 1, TokenBudget.First))], MaxTokens = 4, IgnoreEos = true };
            scheduler.Add(new Sequence(new Generation(request, new StreamLog(), TimeProvider.System, CancellationToken.None), tokenizer, blocks, context));
            while (scheduler.HasWork)
            {
                var batch = scheduler.Next(TokenBudget.OfTokens(TokenBudget.First));
                var began = TimeProvider.System.GetTimestamp();
                step.Run(batch);
                if (round > 0)
                {
                    budget.Observe(batch, TimeProvider.System.GetElapsedTime(began));
                }

                scheduler.RemoveEnded();
            }
        }
    }

    private static void CheckLimits(EngineOptions options)
    {
        if (options.StepTime < TimeSpan.FromMilliseconds(1) || options.MaxQueuedRequests < 1 || options.MaxQueuedTokens < 1)
        {
            throw new ModelLoadException($"A step of {options.StepTime.TotalMilliseconds} ms and a queue of {options.MaxQueuedRequests} requests with {options.MaxQueuedTokens} tokens were asked for; each must be at least 1.");
        }
    }

    private static int Threads(EngineOptions options) => options.Threads switch
    {
        null => Environment.ProcessorCount,
        >= 1 and <= 1024 => options.Threads.Value,
        _ => throw new ModelLoadException($"{options.Threads} threads were asked for; 1 to 1024 are possible."),
    };

    /// <summary>Context length and KV blocks that the options and the machine allow; the pool always holds a whole context.</summary>
    private static (int Context, int Blocks) FitMemory(ModelConfiguration configuration, KvLayout layout, EngineOptions options)
    {
        if (options.ContextLength is { } asked && (asked < 1 || asked > configuration.ContextLength))
        {
            throw new ModelLoadException($"A context of {asked} tokens was asked for; this model was trained for 1 to {configuration.ContextLength}.");
        }

        var blockBytes = layout.BlockBytes;
        var wanted = options.ContextLength ?? configuration.ContextLength;
        var contextBlocks = KvLayout.BlocksFor(wanted);
        var memory = options.KvMemoryBytes ?? Math.Min(
            GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4,
            Math.Max(contextBlocks, Math.Clamp(DefaultContexts * (long)contextBlocks, DefaultLeastBlocks, DefaultMostBlocks)) * blockBytes);
        var blocks = (int)Math.Min(memory / blockBytes, MostBlocks);
        if (blocks >= contextBlocks)
        {
            return (wanted, blocks);
        }

        if (options.ContextLength is not null || blocks == 0)
        {
            throw new ModelLoadException(string.Create(
                CultureInfo.InvariantCulture,
                $"Keys and values of {wanted} tokens take {contextBlocks * blockBytes / 1048576.0:F1} MiB and {memory / 1048576.0:F1} MiB are allowed; allow more KV memory or ask for a shorter context."));
        }

        return (blocks * KvLayout.BlockSize, blocks);
    }

    /// <summary>The type that most of the weights have.</summary>
    private static string TensorTypeOf(GgufFile file)
        => file.Tensors.Where(static tensor => tensor.Dimensions.Length > 1)
            .GroupBy(static tensor => tensor.Type)
            .MaxBy(static group => group.Sum(static tensor => tensor.ElementCount))?.Key.ToString() ?? "";
}
