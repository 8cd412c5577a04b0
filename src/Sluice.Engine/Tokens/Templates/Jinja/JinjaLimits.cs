namespace Sluice.Engine.Tokens.Templates.Jinja;

/// <summary>
/// How much a template may use. The defaults leave published templates a factor of ten and more: the longest known are
/// near 60,000 characters, nest about 15 deep, and render a thousand messages in some 100,000 steps.
/// </summary>
internal sealed record JinjaLimits
{
    public static readonly JinjaLimits Default = new();

    public int SourceLength { get; init; } = 512 * 1024;

    public int Nesting { get; init; } = 128;

    public int Depth { get; init; } = 600;

    public long Steps { get; init; } = 4_000_000;

    public int TextLength { get; init; } = 8 * 1024 * 1024;

    public long TextBuilt { get; init; } = 64L * 1024 * 1024;

    public int RangeSize { get; init; } = 100_000;

    public int IntegerBits { get; init; } = 1024;
}
