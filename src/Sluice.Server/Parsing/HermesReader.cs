namespace Sluice.Server.Parsing;

/// <summary>
/// Calls as NousResearch's Hermes and Qwen write them: <c>&lt;tool_call&gt;{"name": …, "arguments": …}&lt;/tool_call&gt;</c>, one
/// block for each. What is in a block and no call is content. A stray end marker is dropped.
/// </summary>
internal sealed class HermesReader(PartWriter parts) : CallReader(parts, Open, Close)
{
    public const string Open = "<tool_call>";
    public const string Close = "</tool_call>";

    private CallObject? _call;
    private State _state;

    private enum State
    {
        Text,
        Block,
        Call,
        Broken,
        AfterCall,
    }

    protected override bool ScansMarkers => _state != State.Call || !_call!.InString;

    protected override void OnMarker(string marker)
    {
        if (_state == State.Broken || (_state == State.Call && _call!.HasBegun))
        {
            Parts.EndCall();
        }
        else if (_state == State.Call)
        {
            Content(_call!.Held);
        }

        _state = marker == Open ? State.Block : State.Text;
    }

    protected override void OnText(char next)
    {
        switch (_state)
        {
            case State.Text:
                Content(next);
                break;
            case State.Block when !IsSpace(next):
                _call = new CallObject(Parts, known: null);
                _state = State.Call;
                StepCall(next);
                break;
            case State.Call:
                StepCall(next);
                break;
            case State.Broken:
                Parts.Arguments(next);
                break;
            case State.AfterCall when !IsSpace(next) && next is not ('}' or ']' or ','):
                _state = State.Text;
                Content(next);
                break;
        }
    }

    protected override void OnEnd()
    {
        if (_state == State.Call && !_call!.HasBegun)
        {
            Content(_call.Held);
        }
    }

    private void StepCall(char next)
    {
        switch (Step(_call!, next))
        {
            case CallProgress.Ended:
                _state = State.AfterCall;
                break;
            case CallProgress.EndedBefore:
                _state = State.AfterCall;
                OnText(next);
                break;
            case CallProgress.Broken:
                _state = State.Broken;
                break;
            case CallProgress.None:
                _state = State.Text;
                Content(_call!.Held);
                break;
        }
    }
}
