namespace Sluice.Engine.Tokens.Templates;

/// <summary>What a template may not use without bound: it comes with a model file, so a stranger may have written it.</summary>
public enum ChatTemplateLimit
{
    /// <summary>Characters of the source.</summary>
    SourceLength,

    /// <summary>Blocks and brackets inside each other in the source.</summary>
    Nesting,

    /// <summary>Calls, loops and values inside each other while it runs.</summary>
    Depth,

    /// <summary>Steps of evaluation.</summary>
    Steps,

    /// <summary>Characters of one string, the output included.</summary>
    TextLength,

    /// <summary>Characters of all strings that were made.</summary>
    TextBuilt,

    /// <summary>Numbers in a <c>range</c>.</summary>
    RangeSize,

    /// <summary>Bits of an integer.</summary>
    IntegerSize,
}
