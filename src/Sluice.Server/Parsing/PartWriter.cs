using System.Collections.Immutable;
using System.Text;
using Sluice.Streams;

namespace Sluice.Server.Parsing;

/// <summary>Collects the parts of a choice's text; neighbours of one kind become one.</summary>
/// <param name="nameCall">Gives a call's id by its index.</param>
internal sealed class PartWriter(Func<int, string> nameCall)
{
    private readonly ImmutableArray<DeltaPart>.Builder _parts = ImmutableArray.CreateBuilder<DeltaPart>();
    private readonly StringBuilder _text = new();
    private Kind _kind;
    private bool _hasArguments;

    private enum Kind
    {
        Content,
        Reasoning,
        Arguments,
    }

    /// <summary>Calls that began.</summary>
    public int Calls { get; private set; }

    /// <summary>Calls that are complete.</summary>
    public int CompleteCalls { get; private set; }

    public void Content(char next) => Add(Kind.Content, next);

    public void Content(StringBuilder text) => Add(Kind.Content, text);

    public void Reasoning(char next) => Add(Kind.Reasoning, next);

    public void Reasoning(StringBuilder text) => Add(Kind.Reasoning, text);

    /// <summary>Begins a call.</summary>
    public void BeginCall(string name)
    {
        Flush();
        _parts.Add(new ToolCallPart(Calls, nameCall(Calls), name));
        Calls++;
        _hasArguments = false;
    }

    /// <summary>Adds to the arguments of the call that began last.</summary>
    public void Arguments(char next)
    {
        _hasArguments = true;
        Add(Kind.Arguments, next);
    }

    public void Arguments(ReadOnlySpan<char> text)
    {
        foreach (var next in text)
        {
            Arguments(next);
        }
    }

    /// <summary>Ends the call that began last. One for which the model wrote no arguments has none: an empty object.</summary>
    public void EndCall()
    {
        if (!_hasArguments)
        {
            Arguments("{}");
        }

        CompleteCalls++;
    }

    /// <summary>Gives what was collected since the last time.</summary>
    public ImmutableArray<DeltaPart> Take()
    {
        Flush();
        return _parts.DrainToImmutable();
    }

    private void Add(Kind kind, char next)
    {
        TurnTo(kind);
        _text.Append(next);
    }

    private void Add(Kind kind, StringBuilder text)
    {
        if (text.Length > 0)
        {
            TurnTo(kind);
            _text.Append(text);
        }
    }

    private void TurnTo(Kind kind)
    {
        if (kind != _kind)
        {
            Flush();
            _kind = kind;
        }
    }

    private void Flush()
    {
        if (_text.Length == 0)
        {
            return;
        }

        var text = _text.ToString();
        _text.Clear();
        _parts.Add(_kind switch
        {
            Kind.Content => new ContentPart(text),
            Kind.Reasoning => new ReasoningPart(text),
            _ => new ToolArgumentsPart(Calls - 1, text),
        });
    }
}
