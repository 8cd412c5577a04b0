namespace Sluice.Engine.Tokens.Templates;

/// <summary>
/// A chat template that cannot be read or run: its file is to blame, or what it was given; the message says where and why.
/// </summary>
public sealed class ChatTemplateException : Exception
{
    /// <summary>A failure at a place of the template's source.</summary>
    /// <param name="problem">What is wrong, and what would be right.</param>
    /// <param name="line">Line of the source, from 1; 0 where no place is to blame.</param>
    /// <param name="column">Column of the line, from 1; 0 where no place is to blame.</param>
    /// <param name="limit">The limit that was reached, where one was.</param>
    /// <param name="inner">What caused it.</param>
    public ChatTemplateException(string problem, int line, int column, ChatTemplateLimit? limit = null, Exception? inner = null)
        : base(line > 0 ? $"Chat template, line {line}, column {column}: {problem}" : $"Chat template: {problem}", inner)
    {
        Problem = problem;
        Line = line;
        Column = column;
        Limit = limit;
    }

    /// <summary>What is wrong, without the place.</summary>
    public string Problem { get; }

    /// <summary>Line of the template's source, from 1; 0 where no place is to blame.</summary>
    public int Line { get; }

    /// <summary>Column of the line, from 1; 0 where no place is to blame.</summary>
    public int Column { get; }

    /// <summary>The limit that was reached, where one was.</summary>
    public ChatTemplateLimit? Limit { get; }

    /// <summary>Whether the template itself refused its input with <c>raise_exception</c>: then <see cref="Problem"/> is its author's sentence.</summary>
    public bool RaisedByTemplate { get; init; }
}
