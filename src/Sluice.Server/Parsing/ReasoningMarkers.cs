using Sluice.Streams;

namespace Sluice.Server.Parsing;

/// <summary>What is around a model's reasoning.</summary>
internal sealed record ReasoningMarkers(string Open, string Close)
{
    private static readonly ReasoningMarkers Think = new("<think>", "</think>");
    private static readonly ReasoningMarkers BracketThink = new("[THINK]", "[/THINK]");

    public static ReasoningMarkers? Of(ReasoningSyntax syntax) => syntax switch
    {
        ReasoningSyntax.Think => Think,
        ReasoningSyntax.BracketThink => BracketThink,
        _ => null,
    };
}
