using Sluice.Engine;
using Sluice.Server.Parsing;
using Sluice.Streams;

namespace Sluice.Server.Api.Chat;

/// <summary>How a model writes reasoning and calls, known by its chat template and its vocabulary.</summary>
/// <param name="Calls">How it writes calls.</param>
/// <param name="TakesTools">Whether its template writes tools, calls and results into the prompt; else <see cref="ToolInstruction"/> does.</param>
/// <param name="Reasoning">How it marks reasoning.</param>
internal readonly record struct ChatFormat(CallSyntax Calls, bool TakesTools, ReasoningSyntax Reasoning)
{
    /// <summary>What templates that write tools have in them, the first that fits; with none of the syntaxes where it is one that is not read.</summary>
    private static readonly (string Sign, CallSyntax Calls)[] Signs =
    [
        ("<arg_key>", CallSyntax.None), // GLM's tags, within the markers of Hermes
        ("<function=", CallSyntax.Tagged),
        (HermesReader.Open, CallSyntax.Hermes),
        (MistralReader.Arguments, CallSyntax.MistralNamed),
        (MistralReader.Open, CallSyntax.MistralList),
        (BareJsonReader.Tag, CallSyntax.BareJson),
        ("\"parameters\": dictionary of argument name", CallSyntax.BareJson), // Llama 3's own words to the model
    ];

    public static ChatFormat Of(LoadedModel model)
    {
        var template = model.ChatTemplate?.Source ?? "";
        var reasoning = Writes("<think>") ? ReasoningSyntax.Think : Writes("[THINK]") ? ReasoningSyntax.BracketThink : ReasoningSyntax.None;
        var calls = template.Contains("tools", StringComparison.Ordinal)
            ? Signs.FirstOrDefault(sign => template.Contains(sign.Sign, StringComparison.Ordinal)).Calls
            : CallSyntax.None;
        return calls == CallSyntax.None
            ? new ChatFormat(CallSyntax.Hermes, TakesTools: false, reasoning)
            : new ChatFormat(calls, TakesTools: true, reasoning);

        // A model that marks its reasoning has a template that knows of it, or a token for the mark.
        bool Writes(string open) => template.Contains(open, StringComparison.Ordinal)
            || template.Contains(open.Insert(1, "/"), StringComparison.Ordinal)
            || model.Tokenizer.Encode(open, addSpecial: false, parseSpecial: true).Length == 1;
    }

    /// <summary>The markers that the answer is looked through for.</summary>
    public static string[] MarkersOf(AnswerReading reading)
    {
        string[] calls = reading.Calls switch
        {
            CallSyntax.Hermes => [HermesReader.Open, HermesReader.Close],
            CallSyntax.Tagged => [HermesReader.Open, HermesReader.Close, TaggedReader.Function, TaggedReader.Parameter],
            CallSyntax.BareJson => [BareJsonReader.Tag],
            CallSyntax.MistralList or CallSyntax.MistralNamed => [MistralReader.Open, MistralReader.CallId, MistralReader.Arguments],
            _ => [],
        };
        return ReasoningMarkers.Of(reading.Reasoning) is { } reasoning ? [reasoning.Open, reasoning.Close, .. calls] : calls;
    }

    /// <summary>How an answer begins that is a call.</summary>
    /// <param name="tool">The tool; null leaves it to the model.</param>
    public string CallBeginning(ChatTool? tool) => Calls switch
    {
        CallSyntax.Tagged => $"{HermesReader.Open}\n{TaggedReader.Function}{(tool is null ? "" : $"{tool.Name}>\n")}",
        CallSyntax.BareJson => $"{{\"name\": \"{(tool is null ? "" : $"{tool.Name}\", \"parameters\":{ArgumentsBeginning(tool, " ")}")}",
        CallSyntax.MistralList => $"{MistralReader.Open} [{{\"name\": \"{(tool is null ? "" : $"{tool.Name}\", \"arguments\":{ArgumentsBeginning(tool, " ")}")}",
        CallSyntax.MistralNamed => $"{MistralReader.Open}{(tool is null ? "" : tool.Name + MistralReader.Arguments + ArgumentsBeginning(tool, ""))}",
        _ => $"{HermesReader.Open}\n{{\"name\": \"{(tool is null ? "" : $"{tool.Name}\", \"arguments\":{ArgumentsBeginning(tool, " ")}")}",
    };

    /// <summary>
    /// Arguments of which some are required are an object that is not empty. Its brace comes with the first name's
    /// quotation mark, because models write both as one token and lose their way behind a lone brace.
    /// </summary>
    private static string ArgumentsBeginning(ChatTool tool, string space) => tool.RequiresArguments ? space + "{\"" : "";
}
