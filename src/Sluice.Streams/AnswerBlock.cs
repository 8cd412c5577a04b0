using System.Text;

namespace Sluice.Streams;

/// <summary>What a run of a choice's parts is.</summary>
public enum AnswerBlockKind
{
    /// <summary>Text for the reader.</summary>
    Content,

    /// <summary>Text that the model wrote to itself.</summary>
    Reasoning,

    /// <summary>A call of a tool with its arguments.</summary>
    ToolCall,
}

/// <summary>
/// Parts of a choice that belong together: text, reasoning or one tool call, until something else begins. Dialects
/// that number such blocks, or tell each once more as a whole at its end, find here what came before an event.
/// </summary>
public sealed class AnswerBlock
{
    private readonly StringBuilder? _text;

    internal AnswerBlock(AnswerBlock? previous, AnswerBlockKind kind, ToolCallPart? call, bool keepsText)
    {
        (Previous, Kind, Call) = (previous, kind, call);
        Index = previous is null ? 0 : previous.Index + 1;
        _text = keepsText ? new StringBuilder() : null;
    }

    /// <summary>The block before it; null for a choice's first.</summary>
    public AnswerBlock? Previous { get; }

    /// <summary>Its place among the choice's blocks, 0 for the first.</summary>
    public int Index { get; }

    /// <summary>What it is.</summary>
    public AnswerBlockKind Kind { get; }

    /// <summary>The call's name and tool; null where it is no call.</summary>
    public ToolCallPart? Call { get; }

    /// <summary>
    /// Everything that it has so far; of a call the arguments. Complete once another block has begun or the choice has
    /// ended: a pure function of the log reads it only then.
    /// </summary>
    /// <exception cref="InvalidOperationException">The stream was not asked to keep its text (<see cref="Telling.KeepsText"/>), and it is no call, whose arguments are always kept.</exception>
    public string Text
    {
        get
        {
            if (_text is null)
            {
                throw new InvalidOperationException("This stream does not keep its text.");
            }

            lock (_text)
            {
                return _text.ToString();
            }
        }
    }

    /// <summary>Whether a part goes on with this block instead of beginning another.</summary>
    public bool Continues(DeltaPart part) => Continues(Kind, Call, part);

    /// <summary>The same for a block that is not in a log yet.</summary>
    public static bool Continues(AnswerBlockKind kind, ToolCallPart? call, DeltaPart part) => part switch
    {
        ContentPart => kind == AnswerBlockKind.Content,
        ReasoningPart => kind == AnswerBlockKind.Reasoning,
        ToolArgumentsPart arguments => call?.Index == arguments.Index,
        _ => false,
    };

    /// <summary>The block that <paramref name="part"/> belongs to, where <paramref name="last"/> was the choice's last one.</summary>
    internal static AnswerBlock After(AnswerBlock? last, DeltaPart part, bool keepsText)
    {
        if (last is null || !last.Continues(part))
        {
            last = part switch
            {
                ContentPart => new AnswerBlock(last, AnswerBlockKind.Content, null, keepsText),
                ReasoningPart => new AnswerBlock(last, AnswerBlockKind.Reasoning, null, keepsText),
                ToolCallPart call => new AnswerBlock(last, AnswerBlockKind.ToolCall, call, keepsText: true), // some dialects tell calls only as a whole
                _ => throw new ArgumentException("Arguments came for a call that is not the last to have begun.", nameof(part)),
            };
        }

        last.Add(part switch
        {
            ContentPart content => content.Text,
            ReasoningPart reasoning => reasoning.Text,
            ToolArgumentsPart arguments => arguments.Text,
            _ => "",
        });
        return last;
    }

    /// <summary>The same for text that is all content.</summary>
    internal static AnswerBlock After(AnswerBlock? last, string content, bool keepsText)
    {
        if (last is not { Kind: AnswerBlockKind.Content })
        {
            last = new AnswerBlock(last, AnswerBlockKind.Content, null, keepsText);
        }

        last.Add(content);
        return last;
    }

    private void Add(string text)
    {
        if (_text is not null)
        {
            lock (_text)
            {
                _text.Append(text);
            }
        }
    }
}
