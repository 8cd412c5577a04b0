using System.Text;

namespace Sluice.Server.Parsing;

/// <summary>
/// Calls as Mistral's models write them: <c>[TOOL_CALLS] [{"name": …, "arguments": …}, …]</c>, and since their tokenizer's
/// version 11 <c>[TOOL_CALLS]name[CALL_ID]id[ARGS]{…}</c> for each. Ids that the model gives are left out: the answer's own are
/// unique.
/// </summary>
internal sealed class MistralReader(PartWriter parts) : CallReader(parts, Open, CallId, Arguments)
{
    public const string Open = "[TOOL_CALLS]";
    public const string CallId = "[CALL_ID]";
    public const string Arguments = "[ARGS]";

    private readonly StringBuilder _name = new();
    private readonly StringBuilder _held = new();
    private CallObject? _call;
    private JsonExtent _extent;
    private State _state;

    private enum State
    {
        Text,

        /// <summary>Behind the marker: a list, an object or a name.</summary>
        Opened,
        InList,
        Object,
        Name,
        Id,
        BeforeArguments,
        Arguments,
        Broken,
    }

    protected override bool ScansMarkers => _state switch
    {
        State.Object => !_call!.InString,
        State.Arguments => !_extent.InString,
        _ => true,
    };

    private bool HasOpenCall => _state is State.BeforeArguments or State.Arguments or State.Broken || (_state == State.Object && _call!.HasBegun);

    protected override void OnMarker(string marker)
    {
        if (_state is State.Name or State.Id && marker == Arguments)
        {
            BeginNamed();
        }
        else if (_state == State.Name && marker == CallId)
        {
            _state = State.Id;
        }
        else if (marker == Open)
        {
            if (HasOpenCall)
            {
                Parts.EndCall();
            }
            else
            {
                GiveUp();
            }

            _name.Clear();
            _held.Clear();
            _state = State.Opened;
        }
    }

    protected override void OnText(char next)
    {
        switch (_state)
        {
            case State.Text:
                Content(next);
                break;
            case State.Opened or State.InList when IsSpace(next):
                break;
            case State.Opened when next == '[':
                _state = State.InList;
                break;
            case State.Opened or State.InList when next == '{':
                _call = new CallObject(Parts, known: null);
                _state = State.Object;
                StepObject(next);
                break;
            case State.Opened:
                _state = State.Name;
                StepName(next);
                break;
            case State.InList when next == ',':
                break;
            case State.InList:
                _state = State.Text;
                if (next != ']')
                {
                    Content(next);
                }

                break;
            case State.Object:
                StepObject(next);
                break;
            case State.Name:
                StepName(next);
                break;
            case State.Id when next == '{':
                BeginNamed();
                OnText(next);
                break;
            case State.Id:
                _held.Append(next);
                break;
            case State.BeforeArguments when !IsSpace(next):
                _extent = default;
                _state = State.Arguments;
                StepArguments(next);
                break;
            case State.Arguments:
                StepArguments(next);
                break;
            case State.Broken:
                Parts.Arguments(next);
                break;
        }
    }

    protected override void OnEnd() => GiveUp();

    private void StepName(char next)
    {
        if (next == '{')
        {
            BeginNamed();
            OnText(next);
            return;
        }

        // A name may be followed by space, but has none in it.
        var isName = (char.IsAsciiLetterOrDigit(next) || next is '_' or '-' or '.' or ':' or '/') && _held.Length == _name.Length;
        _held.Append(next);
        if (isName)
        {
            _name.Append(next);
        }
        else if (!IsSpace(next) || _name.Length == 0)
        {
            GiveUp();
        }
    }

    private void BeginNamed()
    {
        SkipSpace();
        Parts.BeginCall(_name.ToString());
        _state = State.BeforeArguments;
    }

    private void StepArguments(char next)
    {
        switch (_extent.Step(next))
        {
            case JsonPlace.Within:
                Parts.Arguments(next);
                break;
            case JsonPlace.Last:
                Parts.Arguments(next);
                Parts.EndCall();
                _state = State.Text;
                break;
            case JsonPlace.After:
                Parts.EndCall();
                _state = State.Text;
                Content(next);
                break;
            case JsonPlace.Broken:
                Parts.Arguments(next);
                _state = State.Broken;
                break;
        }
    }

    private void StepObject(char next)
    {
        switch (Step(_call!, next))
        {
            case CallProgress.Ended:
                _state = State.InList;
                break;
            case CallProgress.EndedBefore:
                _state = State.InList;
                OnText(next);
                break;
            case CallProgress.Broken:
                _state = State.Broken;
                break;
            case CallProgress.None:
                GiveUp();
                break;
        }
    }

    /// <summary>What was no call after all is content.</summary>
    private void GiveUp()
    {
        var state = _state;
        if (state is State.Name or State.Id)
        {
            _state = State.Text;
            Content(_held.ToString());
        }
        else if (state == State.Object && !_call!.HasBegun)
        {
            _state = State.Text;
            Content(_call.Held);
        }
    }
}
