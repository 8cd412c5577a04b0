using System.Collections.Immutable;
using Sluice.Engine.Tokens.Templates.Jinja.Functions;
using Sluice.Engine.Tokens.Templates.Jinja.Parsing;
using Sluice.Engine.Tokens.Templates.Jinja.Running;
using Sluice.Engine.Tokens.Templates.Jinja.Syntax;
using Sluice.Engine.Tokens.Templates.Jinja.Values;

namespace Sluice.Engine.Tokens.Templates.Jinja;

/// <summary>A parsed template. Immutable: many threads may render it at once.</summary>
internal sealed class JinjaTemplate
{
    private readonly ImmutableArray<Statement> _body;
    private readonly JinjaLimits _limits;

    private JinjaTemplate(ImmutableArray<Statement> body, JinjaLimits limits)
    {
        _body = body;
        _limits = limits;
    }

    /// <exception cref="ChatTemplateException">The source is no template, or uses what is not supported.</exception>
    public static JinjaTemplate Parse(string source, JinjaLimits? limits = null)
        => new(TemplateParser.Parse(source, limits ?? JinjaLimits.Default), limits ?? JinjaLimits.Default);

    /// <summary>Runs the template.</summary>
    /// <param name="variables">What the template can use by name. It may change these values, so each rendering needs its own.</param>
    /// <param name="clock">What strftime_now reads.</param>
    /// <exception cref="ChatTemplateException">The template fails, or refuses its input.</exception>
    public Text Render(IEnumerable<KeyValuePair<string, object?>> variables, TimeProvider clock)
    {
        var interpreter = new Interpreter(_limits, clock);
        var given = new Scope(Globals.NewScope());
        foreach (var (name, value) in variables)
        {
            given.Set(name, value);
        }

        try
        {
            return interpreter.Render(_body, new Scope(given));
        }
        catch (JinjaFault fault)
        {
            throw new ChatTemplateException(fault.Message, interpreter.At.Line, interpreter.At.Column, fault.Limit, fault) { RaisedByTemplate = fault.RaisedByTemplate };
        }
    }
}
