using System.Collections.Frozen;
using System.Text;
using System.Text.Json;
using Sluice.Streams;

namespace Sluice.Server.Parsing;

/// <summary>
/// Calls as Qwen3-Coder writes them, with the arguments in tags:
/// <c>&lt;tool_call&gt;&lt;function=name&gt;&lt;parameter=city&gt;Paris&lt;/parameter&gt;&lt;/function&gt;&lt;/tool_call&gt;</c>. The arguments are told
/// as the JSON object that they stand for: a parameter is text, unless the tool's schema says otherwise and it is JSON.
/// </summary>
internal sealed class TaggedReader(PartWriter parts, IEnumerable<CallableTool> tools)
    : CallReader(parts, HermesReader.Open, HermesReader.Close, Function, FunctionEnd, Parameter, ParameterEnd)
{
    public const string Function = "<function=";
    public const string Parameter = "<parameter=";
    private const string FunctionEnd = "</function>";
    private const string ParameterEnd = "</parameter>";

    private readonly FrozenDictionary<string, FrozenSet<string>> _values = tools.ToFrozenDictionary(tool => tool.Name, tool => tool.ValueParameters.ToFrozenSet());
    private readonly StringBuilder _name = new();
    private readonly StringBuilder _value = new();
    private FrozenSet<string> _valuesOfCall = [];
    private bool _isValue;
    private bool _isFirst;
    private bool _hasNewLine;
    private State _state;

    private enum State
    {
        Text,
        FunctionName,
        Function,
        ParameterName,
        ValueStart,
        Value,
    }

    private bool InValue => _state is State.ValueStart or State.Value;

    protected override void OnMarker(string marker)
    {
        if (InValue && marker is HermesReader.Open or Function)
        {
            foreach (var next in marker)
            {
                OnText(next);
            }

            return;
        }

        if (InValue)
        {
            EndValue();
        }

        if (_state == State.FunctionName)
        {
            _state = State.Text;
            Content(_name.ToString());
        }

        switch (marker)
        {
            case Function when _state == State.Text:
                _state = State.FunctionName;
                _name.Clear();
                break;
            case Parameter when _state == State.Function:
                _state = State.ParameterName;
                _name.Clear();
                break;
            case HermesReader.Open or HermesReader.Close or FunctionEnd when _state != State.Text:
                Parts.Arguments('}');
                Parts.EndCall();
                _state = State.Text;
                break;
        }
    }

    protected override void OnText(char next)
    {
        switch (_state)
        {
            case State.Text:
                Content(next);
                break;
            case State.FunctionName when next == '>':
                BeginCall();
                break;
            case State.ParameterName when next == '>':
                BeginValue();
                break;
            case State.FunctionName when next == '\n':
                _state = State.Text;
                Content(_name.ToString());
                Content(next);
                break;
            case State.FunctionName or State.ParameterName:
                _name.Append(next);
                break;
            case State.ValueStart:
                // The template writes a line break before and after each value.
                _state = State.Value;
                if (next != '\n')
                {
                    StepValue(next);
                }

                break;
            case State.Value:
                StepValue(next);
                break;
        }
    }

    protected override void OnEnd()
    {
        if (_state == State.FunctionName)
        {
            Content(_name.ToString());
        }
    }

    private void BeginCall()
    {
        var name = _name.ToString().Trim();
        SkipSpace();
        Parts.BeginCall(name);
        Parts.Arguments('{');
        _valuesOfCall = _values.GetValueOrDefault(name) ?? [];
        _isFirst = true;
        _state = State.Function;
    }

    private void BeginValue()
    {
        var name = _name.ToString().Trim();
        Parts.Arguments(_isFirst ? "\"" : ", \"");
        _isFirst = false;
        foreach (var next in name)
        {
            WriteEscaped(next);
        }

        Parts.Arguments("\": ");
        _isValue = _valuesOfCall.Contains(name);
        _hasNewLine = false;
        _value.Clear();
        if (!_isValue)
        {
            Parts.Arguments('"');
        }

        _state = State.ValueStart;
    }

    private void StepValue(char next)
    {
        if (_isValue)
        {
            _value.Append(next);
            return;
        }

        if (_hasNewLine)
        {
            WriteEscaped('\n');
        }

        _hasNewLine = next == '\n';
        if (!_hasNewLine)
        {
            WriteEscaped(next);
        }
    }

    private void EndValue()
    {
        _state = State.Function;
        if (!_isValue)
        {
            Parts.Arguments('"');
            return;
        }

        var text = _value.ToString().Trim();
        var json = text switch { "True" => "true", "False" => "false", "None" => "null", _ => text };
        if (IsJson(json))
        {
            Parts.Arguments(json);
            return;
        }

        Parts.Arguments('"');
        foreach (var next in text)
        {
            WriteEscaped(next);
        }

        Parts.Arguments('"');
    }

    private void WriteEscaped(char next)
    {
        switch (next)
        {
            case '"' or '\\':
                Parts.Arguments('\\');
                Parts.Arguments(next);
                break;
            case '\n':
                Parts.Arguments("\\n");
                break;
            case '\t':
                Parts.Arguments("\\t");
                break;
            case < ' ':
                Parts.Arguments($"\\u{(int)next:x4}");
                break;
            default:
                Parts.Arguments(next);
                break;
        }
    }

    private static bool IsJson(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
