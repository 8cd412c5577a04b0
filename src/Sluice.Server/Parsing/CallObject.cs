using System.Text;

namespace Sluice.Server.Parsing;

/// <summary>What became of a call with a character.</summary>
internal enum CallProgress
{
    /// <summary>It goes on.</summary>
    Going,

    /// <summary>It is complete with this character.</summary>
    Ended,

    /// <summary>It was complete before this character, which is none of it.</summary>
    EndedBefore,

    /// <summary>It is a call, but no JSON from here on.</summary>
    Broken,

    /// <summary>It is no call; <see cref="CallObject.Held"/> is what was read.</summary>
    None,
}

/// <summary>
/// Reads a call that the model writes as a JSON object with the tool's name and its arguments, in any order: the name as
/// <c>name</c> (or <c>function</c>), the arguments as <c>arguments</c> or <c>parameters</c>, the two of them possibly in an
/// object <c>function</c>. The arguments go out as they come, once the name is known.
/// </summary>
/// <param name="parts">Where to.</param>
/// <param name="known">The names of which one makes it a call, with arguments and nothing foreign beside them; null where any object with a name is one.</param>
internal sealed class CallObject(PartWriter parts, IReadOnlySet<string>? known)
{
    private readonly StringBuilder _held = new();
    private readonly JsonString _string = new();
    private JsonExtent _extent;
    private State _state;
    private string _key = "";
    private string? _name;
    private int _argumentsStart = -1;
    private int _argumentsEnd = -1;
    private bool _isNested;

    private enum State
    {
        Begin,
        BeforeKey,
        Key,
        BeforeColon,
        BeforeValue,
        Name,
        Arguments,
        OtherValue,
        AfterValue,
    }

    /// <summary>Whether it was told as a call.</summary>
    public bool HasBegun { get; private set; }

    /// <summary>What was read before it was told as a call.</summary>
    public string Held => _held.ToString();

    /// <summary>Whether the text is inside a JSON string.</summary>
    public bool InString => _state is State.Key or State.Name || (_state is State.Arguments or State.OtherValue && _extent.InString);

    /// <summary>Takes the next character.</summary>
    public CallProgress Step(char next)
    {
        if (!HasBegun)
        {
            _held.Append(next);
        }

        switch (_state)
        {
            case State.Key:
                if (_string.Step(next))
                {
                    _key = _string.Take();
                    _state = State.BeforeColon;
                    return known is null || HasBegun || _key is "name" or "function" or "type" or "id" or "arguments" or "parameters" ? CallProgress.Going : CallProgress.None;
                }

                return CallProgress.Going;
            case State.Name:
                return _string.Step(next) ? TakeName() : CallProgress.Going;
            case State.Arguments:
                return StepArguments(next);
            case State.OtherValue:
                return StepOther(next);
        }

        return next is ' ' or '\t' or '\r' or '\n' ? CallProgress.Going : StepBetween(next);
    }

    private CallProgress StepBetween(char next)
    {
        switch (_state, next)
        {
            case (State.Begin, '{'):
                _state = State.BeforeKey;
                return CallProgress.Going;
            case (State.BeforeKey, '"'):
                _state = State.Key;
                return CallProgress.Going;
            case (State.BeforeColon, ':'):
                _state = State.BeforeValue;
                return CallProgress.Going;
            case (State.AfterValue, ','):
                _state = State.BeforeKey;
                return CallProgress.Going;
            case (State.BeforeKey or State.AfterValue, '}') when _isNested:
                _isNested = false;
                _state = State.AfterValue;
                return CallProgress.Going;
            case (State.BeforeKey or State.AfterValue, '}'):
                return End(CallProgress.Ended);
            case (State.BeforeValue, _):
                return BeginValue(next);
            default:
                return Fail(next);
        }
    }

    private CallProgress BeginValue(char first)
    {
        if (_name is null && first == '"' && _key is "name" or "function")
        {
            _state = State.Name;
            return CallProgress.Going;
        }

        if (_key == "function" && first == '{' && !_isNested)
        {
            _isNested = true;
            _state = State.BeforeKey;
            return CallProgress.Going;
        }

        _extent = default;
        if (_key is "arguments" or "parameters" && _argumentsStart < 0)
        {
            _state = State.Arguments;
            _argumentsStart = HasBegun ? 0 : _held.Length - 1;
            if (HasBegun || !TryBegin())
            {
                return StepArguments(first);
            }

            // Told with what was held.
            return _extent.Step(first) == JsonPlace.Broken ? CallProgress.Broken : CallProgress.Going;
        }

        _state = State.OtherValue;
        return StepOther(first);
    }

    private CallProgress TakeName()
    {
        _name = _string.Take();
        _state = State.AfterValue;
        if (_name.Length == 0 || (known is not null && !known.Contains(_name)))
        {
            return CallProgress.None;
        }

        TryBegin();
        return CallProgress.Going;
    }

    private CallProgress StepArguments(char next)
    {
        var place = _extent.Step(next);
        if (place == JsonPlace.Broken)
        {
            return Fail(next);
        }

        if (place == JsonPlace.After)
        {
            EndArguments(_held.Length - 1);
            return StepBetweenAfterValue(next);
        }

        if (HasBegun)
        {
            parts.Arguments(next);
        }

        if (place == JsonPlace.Last)
        {
            EndArguments(_held.Length);
        }

        return CallProgress.Going;
    }

    private CallProgress StepOther(char next)
    {
        switch (_extent.Step(next))
        {
            case JsonPlace.Broken:
                return Fail(next);
            case JsonPlace.After:
                return StepBetweenAfterValue(next);
            case JsonPlace.Last:
                _state = State.AfterValue;
                break;
        }

        return CallProgress.Going;
    }

    private CallProgress StepBetweenAfterValue(char next)
    {
        _state = State.AfterValue;
        return next is ' ' or '\t' or '\r' or '\n' ? CallProgress.Going : StepBetween(next);
    }

    private void EndArguments(int end)
    {
        _argumentsEnd = end;
        _state = State.AfterValue;
    }

    private bool TryBegin()
    {
        if (HasBegun || _name is null || (known is not null && _argumentsStart < 0))
        {
            return false;
        }

        HasBegun = true;
        parts.BeginCall(_name);
        if (_argumentsStart >= 0)
        {
            parts.Arguments(_held.ToString(_argumentsStart, (_argumentsEnd < 0 ? _held.Length : _argumentsEnd) - _argumentsStart));
        }

        return true;
    }

    private CallProgress End(CallProgress progress)
    {
        if (!HasBegun)
        {
            return CallProgress.None;
        }

        parts.EndCall();
        return progress;
    }

    /// <summary>What the model wrote instead of the arguments' JSON is told as the arguments; after them it is the end.</summary>
    private CallProgress Fail(char next)
    {
        if (!HasBegun)
        {
            return CallProgress.None;
        }

        if (_argumentsStart >= 0 && _state != State.Arguments)
        {
            return End(CallProgress.EndedBefore);
        }

        parts.Arguments(next);
        return CallProgress.Broken;
    }
}
