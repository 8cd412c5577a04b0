namespace Sluice.Server.Parsing;

/// <summary>An answer without calls: all of it is content.</summary>
internal sealed class PlainReader(PartWriter parts) : CallReader(parts)
{
    protected override void OnMarker(string marker) => throw new InvalidOperationException("There are no markers.");

    protected override void OnText(char next) => Content(next);
}
