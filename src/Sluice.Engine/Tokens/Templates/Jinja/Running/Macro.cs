using Sluice.Engine.Tokens.Templates.Jinja.Syntax;

namespace Sluice.Engine.Tokens.Templates.Jinja.Running;

/// <summary>A macro as a value: what it does, and the scope in which it was defined.</summary>
internal sealed class Macro(MacroDefinition definition, Scope scope)
{
    public MacroDefinition Definition => definition;

    public Scope Scope => scope;
}
