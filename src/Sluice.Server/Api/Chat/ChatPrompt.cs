using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Sluice.Engine;
using Sluice.Engine.Tokens;
using Sluice.Engine.Tokens.Templates;
using Sluice.Server.Parsing;
using Sluice.Streams;

namespace Sluice.Server.Api.Chat;

/// <summary>A chat to the tokens of its prompt, by the model's own template.</summary>
internal static class ChatPrompt
{
    /// <summary>
    /// Renders and tokenizes a chat, and says how the answer is to be read. Where the model must call a tool, the prompt
    /// ends with the beginning of the call.
    /// </summary>
    public static Outcome<ChatEncoding> Encode(ChatInput input, LoadedModel model)
    {
        var format = ChatFormat.Of(model);
        var tools = input.Choice.Use == ToolUse.None ? [] : input.Tools;
        var turns = format.TakesTools ? input.Turns : ToolInstruction.Write(input.Turns, tools);
        var offered = format.TakesTools && tools.Count > 0 ? tools.Select(static tool => (object?)tool.ToTemplate()).ToArray() : null;
        if (!Render([.. turns.Select(turn => ToMessage(turn, turns, format.Calls))], input.TemplateValues, input.AddGenerationPrompt, offered, model).Succeeded(out var rendered, out var error))
        {
            return error;
        }

        var reading = new AnswerReading
        {
            Reasoning = format.Reasoning,
            Calls = tools.Count > 0 ? format.Calls : CallSyntax.None,
            Tools = [.. tools.Select(static tool => tool.ToCallable())],
            Opening = input.AddGenerationPrompt ? OpenedReasoning(rendered, format.Reasoning) : "",
            OneCall = tools.Count > 0 && (input.Choice.Name is not null || !input.ParallelCalls),
        };
        IReadOnlyList<PromptSegment> segments = rendered.Segments;
        if (tools.Count > 0 && input.Choice.Use == ToolUse.Required && input.AddGenerationPrompt)
        {
            // With one tool there is nothing to choose.
            var beginning = CloseReasoning(reading) + format.CallBeginning(tools.Count == 1 ? tools[0] : tools.FirstOrDefault(tool => tool.Name == input.Choice.Name));
            reading = reading with { Opening = reading.Opening + beginning };
            segments = [.. segments, new PromptSegment(beginning, ParseSpecial: true)];
        }

        var isRead = reading.Calls != CallSyntax.None || reading.Reasoning != ReasoningSyntax.None;
        return new ChatEncoding(Tokenize(segments, model.Tokenizer), isRead ? reading : null, isRead ? ControlTokens(reading, model.Tokenizer) : []);
    }

    /// <summary>Renders and tokenizes a chat without tools, whose answer is taken as it is.</summary>
    public static Outcome<ImmutableArray<int>> Encode(
        IReadOnlyList<ChatMessage> chat, IReadOnlyDictionary<string, JsonElement>? templateValues, bool addGenerationPrompt, LoadedModel model)
        => Render(chat, templateValues, addGenerationPrompt, tools: null, model).Succeeded(out var prompt, out var error) ? Tokenize(prompt.Segments, model.Tokenizer) : error;

    private static Outcome<RenderedPrompt> Render(
        IReadOnlyList<ChatMessage> chat, IReadOnlyDictionary<string, JsonElement>? templateValues, bool addGenerationPrompt, object?[]? tools, LoadedModel model)
    {
        if (model.ChatTemplate is not { } template)
        {
            var why = model.ChatTemplateProblem is { } problem ? $"a chat template that cannot be used ({problem})" : "no chat template";
            return ApiError.Invalid("messages", $"The model {model.Id} has {why}; use /v1/completions with a prompt.", "no_chat_template");
        }

        try
        {
            return template.Render(new ChatTemplateInput(chat)
            {
                AddGenerationPrompt = addGenerationPrompt,
                BosToken = Piece(model.Tokenizer.BosToken),
                EosToken = Piece(model.Tokenizer.EosToken),
                Tools = tools,
                Variables = templateValues?.ToDictionary(pair => pair.Key, pair => (object?)pair.Value),
            });
        }
        catch (ChatTemplateException fault)
        {
            return ApiError.Invalid("messages", fault.Message, "chat_template_failed");
        }

        string? Piece(int? token) => token is { } id ? Encoding.UTF8.GetString(model.Tokenizer.GetBytes(id)) : null;
    }

    /// <summary>A prompt begins with the BOS token once where the model wants one, whether or not its template writes it.</summary>
    private static ImmutableArray<int> Tokenize(IReadOnlyList<PromptSegment> segments, Tokenizer tokenizer)
    {
        var tokens = tokenizer.Encode(segments, addSpecial: false);
        var lacksBos = tokenizer is { AddsBos: true, BosToken: not null } && tokens.AsSpan().IndexOf(tokenizer.BosToken.Value) != 0;
        return lacksBos ? [tokenizer.BosToken!.Value, .. tokens] : ImmutableArray.Create(tokens);
    }

    private static ChatMessage ToMessage(ChatTurn turn, IReadOnlyList<ChatTurn> chat, CallSyntax syntax)
    {
        var fields = new Dictionary<string, object?>();
        Add("name", turn.Name ?? (turn.Role == "tool" ? chat.SelectMany(static earlier => earlier.Calls).FirstOrDefault(call => call.Id == turn.CallId)?.Name : null));
        Add("reasoning_content", turn.Reasoning);
        Add("tool_call_id", turn.CallId is null ? null : CallIds.Fit(turn.CallId, syntax));
        Add("tool_calls", turn.Calls.IsEmpty ? null : turn.Calls.Select(call => (object?)new Dictionary<string, object?>
        {
            ["id"] = CallIds.Fit(call.Id, syntax),
            ["type"] = "function",
            ["function"] = new Dictionary<string, object?> { ["name"] = call.Name, ["arguments"] = ReadArguments(call.Arguments) },
        }).ToArray());
        return new ChatMessage(turn.Role, turn.Content) { Fields = fields };

        void Add(string name, object? value)
        {
            if (value is not null)
            {
                fields.Add(name, value);
            }
        }
    }

    /// <summary>Templates write arguments as JSON, so they get them as what the text stands for; text that is no JSON object stays text.</summary>
    private static object ReadArguments(string text)
    {
        try
        {
            var arguments = JsonElement.Parse(text);
            return arguments.ValueKind == JsonValueKind.Object ? arguments : text;
        }
        catch (JsonException)
        {
            return text;
        }
    }

    /// <summary>What of the prompt's end is reasoning that the template began, or began and ended, for the model.</summary>
    private static string OpenedReasoning(RenderedPrompt prompt, ReasoningSyntax syntax)
    {
        if (ReasoningMarkers.Of(syntax) is not { } markers || prompt.Segments is not [.., { ParseSpecial: true } last])
        {
            return "";
        }

        var at = last.Text.LastIndexOf(markers.Open, StringComparison.Ordinal);
        if (at < 0)
        {
            return "";
        }

        var inside = last.Text.AsSpan(at + markers.Open.Length).Trim();
        return inside.IsEmpty || inside.SequenceEqual(markers.Close) ? last.Text[at..] : "";
    }

    private static string CloseReasoning(AnswerReading reading)
        => ReasoningMarkers.Of(reading.Reasoning) is { } markers && reading.Opening.TrimEnd().EndsWith(markers.Open, StringComparison.Ordinal)
            ? $"\n{markers.Close}\n\n"
            : "";

    private static ImmutableArray<int> ControlTokens(AnswerReading reading, Tokenizer tokenizer)
        => [.. ChatFormat.MarkersOf(reading)
            .Select(marker => tokenizer.Encode(marker, addSpecial: false, parseSpecial: true))
            .Where(tokens => tokens.Length == 1 && tokenizer.IsControl(tokens[0]))
            .Select(static tokens => tokens[0])];
}
