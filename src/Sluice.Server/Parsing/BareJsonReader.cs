namespace Sluice.Server.Parsing;

/// <summary>
/// Calls as Llama 3 writes them: the answer is <c>{"name": …, "parameters": …}</c> and nothing else, or several of them with
/// semicolons between. A JSON object is a call only where it names one of the request's tools; behind
/// <c>&lt;|python_tag|&gt;</c>, wherever that comes, it need not.
/// </summary>
internal sealed class BareJsonReader(PartWriter parts, IReadOnlySet<string> tools) : CallReader(parts, Tag)
{
    public const string Tag = "<|python_tag|>";

    private CallObject? _call;
    private State _state;
    private bool _isTagged;
    private bool _hasSeparator;

    private enum State
    {
        /// <summary>Where a call can begin.</summary>
        Start,
        Text,
        Call,
        Broken,
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

        _state = State.Start;
        _isTagged = true;
        _hasSeparator = false;
    }

    protected override void OnText(char next)
    {
        switch (_state)
        {
            case State.Start when next == '{':
                _call = new CallObject(Parts, _isTagged ? null : tools);
                _state = State.Call;
                StepCall(next);
                break;
            case State.Start when next == ';' && Parts.Calls > 0 && !_hasSeparator:
                _hasSeparator = true;
                break;
            case State.Start when IsSpace(next):
                Content(next);
                break;
            case State.Start:
                TurnToText();
                Content(next);
                break;
            case State.Text:
                Content(next);
                break;
            case State.Call:
                StepCall(next);
                break;
            case State.Broken:
                Parts.Arguments(next);
                break;
        }
    }

    protected override void OnEnd()
    {
        if (_state == State.Call && !_call!.HasBegun)
        {
            TurnToText();
            Content(_call.Held);
        }
    }

    private void StepCall(char next)
    {
        var progress = Step(_call!, next);
        _hasSeparator &= !_call!.HasBegun;

        switch (progress)
        {
            case CallProgress.Ended:
                _state = State.Start;
                break;
            case CallProgress.EndedBefore:
                _state = State.Start;
                OnText(next);
                break;
            case CallProgress.Broken:
                _state = State.Broken;
                break;
            case CallProgress.None:
                TurnToText();
                Content(_call.Held);
                break;
        }
    }

    private void TurnToText()
    {
        _state = State.Text;
        if (_hasSeparator)
        {
            _hasSeparator = false;
            Content(';');
        }
    }
}
