using System.Collections.Immutable;
using Sluice.Engine.Tokens.Templates.Jinja.Syntax;
using Sluice.Engine.Tokens.Templates.Jinja.Values;

namespace Sluice.Engine.Tokens.Templates.Jinja.Running;

/// <summary>One rendering: its budget, its clock, and the place that is being evaluated.</summary>
internal sealed class Interpreter
{
    public Interpreter(JinjaLimits limits, TimeProvider clock)
    {
        Budget = new Budget(limits);
        Clock = clock;
        Evaluator = new Evaluator(this);
        Executor = new Executor(this);
        Calls = new Calls(this);
    }

    public Budget Budget { get; }

    public TimeProvider Clock { get; }

    public Evaluator Evaluator { get; }

    public Executor Executor { get; }

    public Calls Calls { get; }

    /// <summary>The place that is to blame for a fault now.</summary>
    public Position At { get; set; }

    /// <summary>Runs statements and gives what they wrote.</summary>
    public Text Render(ImmutableArray<Statement> statements, Scope scope)
    {
        var output = new TextBuilder(Budget);
        Executor.Run(statements, scope, output);
        return output.ToText();
    }
}
