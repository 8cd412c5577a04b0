using System.Numerics;
using System.Runtime.CompilerServices;

namespace Sluice.Engine.Tokens.Templates.Jinja;

/// <summary>What one rendering has used of its <see cref="JinjaLimits"/>. Every loop, copy and descent of the interpreter pays here first.</summary>
internal sealed class Budget(JinjaLimits limits)
{
    private const int CharactersPerStep = 32;

    private long _steps;
    private long _textBuilt;
    private int _depth;

    /// <summary>Pays for work that takes this many steps.</summary>
    public void Step(long count = 1)
    {
        _steps += count;
        if (_steps > limits.Steps)
        {
            throw new JinjaFault($"the template takes more than {limits.Steps} steps", ChatTemplateLimit.Steps);
        }
    }

    /// <summary>Pays for work on this many characters, a vector's width of them a step.</summary>
    public void StepText(long characters) => Step(characters / CharactersPerStep);

    /// <summary>Pays for one string of this many characters, before it is made.</summary>
    public void Text(long length)
    {
        CheckLength(length);
        _textBuilt += length;
        if (_textBuilt > limits.TextBuilt)
        {
            throw new JinjaFault($"the template's strings come to more than {limits.TextBuilt} characters together", ChatTemplateLimit.TextBuilt);
        }
    }

    /// <summary>Refuses a string of this many characters where that is too long; costs nothing.</summary>
    public void CheckLength(long length)
    {
        if (length > limits.TextLength)
        {
            throw new JinjaFault($"a string, or the output, becomes longer than {limits.TextLength} characters", ChatTemplateLimit.TextLength);
        }
    }

    /// <summary>Pays for a range of this many numbers.</summary>
    public void Range(BigInteger count)
    {
        if (count > limits.RangeSize)
        {
            throw new JinjaFault($"a range has at most {limits.RangeSize} numbers, not {count}", ChatTemplateLimit.RangeSize);
        }
    }

    /// <summary>Lets an integer pass that is not too large.</summary>
    public BigInteger Integer(BigInteger value)
    {
        CheckBits(value.GetBitLength());
        return value;
    }

    /// <summary>Refuses an integer of this many bits where that is too many, before it is computed.</summary>
    public void CheckBits(long bits)
    {
        if (bits > limits.IntegerBits)
        {
            throw new JinjaFault($"an integer becomes larger than {limits.IntegerBits} bits", ChatTemplateLimit.IntegerSize);
        }
    }

    /// <summary>Goes one level down; <see cref="Leave"/> comes up again. A fault ends the rendering, so nobody comes up after one.</summary>
    public void Enter()
    {
        if (++_depth > limits.Depth || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            throw new JinjaFault($"calls, loops or values lie more than {limits.Depth} levels deep in each other", ChatTemplateLimit.Depth);
        }
    }

    public void Leave() => _depth--;
}
