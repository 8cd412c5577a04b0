using System.Text;

namespace Sluice.Server.Parsing;

/// <summary>
/// Reads the answer proper, behind the reasoning, for tool calls. It goes character by character, so that what comes out
/// depends on the text and not on the pieces it comes in. White space before a call is held back with it, because models
/// write some there that is no part of what they say.
/// </summary>
/// <param name="parts">Where to.</param>
/// <param name="markers">The format's markers.</param>
internal abstract class CallReader(PartWriter parts, params string[] markers)
{
    private readonly MarkerScanner _scanner = new(markers);
    private readonly StringBuilder _space = new();
    private bool _skipsSpace;
    private bool _hasContent;
    private bool _hasGap;

    protected PartWriter Parts => parts;

    /// <summary>Whether a marker would be one here; not in a JSON string, where it is text.</summary>
    protected virtual bool ScansMarkers => true;

    /// <summary>Takes the next character.</summary>
    public void Take(char next)
    {
        if (_scanner.Count > 0 || ScansMarkers)
        {
            if (_scanner.TryExtend(next))
            {
                if (_scanner.Complete is { } marker)
                {
                    _scanner.Release();
                    _hasGap = true;
                    OnMarker(marker);
                }

                return;
            }

            if (_scanner.Count > 0)
            {
                Release();
                Take(next);
                return;
            }
        }

        OnText(next);
    }

    /// <summary>The text is over: lets out what was held back.</summary>
    public void End()
    {
        Release();
        OnEnd();
        parts.Content(_space);
        _space.Clear();
    }

    /// <summary>White space that follows belongs to the markup before it.</summary>
    public void SkipSpace()
    {
        _space.Clear();
        (_skipsSpace, _hasGap) = (true, true);
    }

    protected static bool IsSpace(char next) => next is ' ' or '\t' or '\r' or '\n';

    protected abstract void OnMarker(string marker);

    protected abstract void OnText(char next);

    protected virtual void OnEnd()
    {
    }

    /// <summary>Gives a call's object its next character. White space before a call that has now begun belongs to its markup.</summary>
    protected CallProgress Step(CallObject call, char next)
    {
        var hadBegun = call.HasBegun;
        var progress = call.Step(next);
        if (!hadBegun && call.HasBegun)
        {
            SkipSpace();
        }

        return progress;
    }

    /// <summary>A character for the reader.</summary>
    protected void Content(char next)
    {
        if (IsSpace(next) && (_skipsSpace || markers.Length > 0))
        {
            if (!_skipsSpace)
            {
                _space.Append(next);
            }

            return;
        }

        if (_hasGap && _hasContent && _space.Length == 0)
        {
            // Else what stood around the markup would grow together, to markup even.
            parts.Content(' ');
        }

        parts.Content(_space);
        _space.Clear();
        (_skipsSpace, _hasGap, _hasContent) = (false, false, true);
        parts.Content(next);
    }

    /// <summary>What was taken for a call is content; markers in it are none of it all the same.</summary>
    protected void Content(string text)
    {
        var scanner = new MarkerScanner(markers);
        foreach (var next in text)
        {
            if (!scanner.TryExtend(next))
            {
                ReleaseContent(scanner);
                if (!scanner.TryExtend(next))
                {
                    Content(next);
                }
            }
            else if (scanner.Complete is not null)
            {
                scanner.Release();
                _hasGap = true;
            }
        }

        ReleaseContent(scanner);
    }

    private void ReleaseContent(MarkerScanner scanner)
    {
        foreach (var held in scanner.Release())
        {
            Content(held);
        }
    }

    private void Release()
    {
        foreach (var held in _scanner.Release())
        {
            OnText(held);
        }
    }
}
