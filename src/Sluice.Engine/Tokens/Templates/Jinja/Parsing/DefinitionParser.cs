using System.Collections.Immutable;
using Sluice.Engine.Tokens.Templates.Jinja.Syntax;

namespace Sluice.Engine.Tokens.Templates.Jinja.Parsing;

/// <summary>Macros, and call blocks, whose body is a macro without a name.</summary>
internal sealed class DefinitionParser(TokenStream tokens, ExpressionParser expressions, TemplateParser statements)
{
    private const int MaxParameters = 255;

    /// <summary>Past the tag's name 'macro'.</summary>
    public MacroStatement ParseMacro(Position at)
    {
        var name = tokens.Expect(TokenKind.Name, "the macro's name").Text;
        var outer = BeginNames();
        var parameters = ParseParameters();
        var body = statements.ParseSeparateBlock(at, "endmacro");
        return new MacroStatement(Define(name, parameters, body, outer), at);
    }

    /// <summary>Past the tag's name 'call'.</summary>
    public CallStatement ParseCallBlock(Position at)
    {
        var outer = BeginNames();
        var parameters = tokens.Current.IsOperator("(") ? ParseParameters() : [];
        var target = tokens.Current.At;
        if (expressions.Parse() is not Call call)
        {
            throw target.Error("a call block calls a macro: '{% call name(arguments) %}'");
        }

        var body = statements.ParseSeparateBlock(at, "endcall");
        return new CallStatement(Define("caller", parameters, body, outer), call, at);
    }

    private HashSet<string> BeginNames()
    {
        var outer = tokens.NamesRead;
        tokens.NamesRead = new HashSet<string>(StringComparer.Ordinal);
        return outer;
    }

    private MacroDefinition Define(
        string name, ImmutableArray<(string Name, Expression? Default)> parameters, ImmutableArray<Statement> body, HashSet<string> outer)
    {
        var read = tokens.NamesRead;
        outer.UnionWith(read);
        tokens.NamesRead = outer;
        return new MacroDefinition(name, parameters, body)
        {
            UsesCaller = read.Contains("caller"),
            UsesKwargs = read.Contains("kwargs"),
            UsesVarargs = read.Contains("varargs"),
        };
    }

    private ImmutableArray<(string Name, Expression? Default)> ParseParameters()
    {
        tokens.ExpectOperator("(");
        var parameters = ImmutableArray.CreateBuilder<(string Name, Expression? Default)>();
        while (!tokens.TakeOperator(")"))
        {
            if (parameters.Count > 0)
            {
                tokens.ExpectOperator(",");
            }

            var name = tokens.Expect(TokenKind.Name, "a parameter's name");
            var fallback = tokens.TakeOperator("=") ? expressions.Parse() : null;
            if (fallback is null && parameters.Count > 0 && parameters[^1].Default is not null)
            {
                throw name.At.Error($"the parameter '{name.Text}' needs a default, as the one before it has one");
            }

            if (parameters.Count == MaxParameters)
            {
                throw name.At.Error($"a macro has at most {MaxParameters} parameters");
            }

            if (parameters.Any(parameter => parameter.Name == name.Text))
            {
                throw name.At.Error($"there are two parameters '{name.Text}'");
            }

            parameters.Add((name.Text, fallback));
        }

        return parameters.ToImmutable();
    }
}
