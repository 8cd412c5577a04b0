using System.Globalization;
using System.Net;
using System.Text;

namespace Sluice.Benchmarks.Serving.Report;

/// <summary>Writes one inline SVG picture. Colours are the page's, by class, so that they follow its light or dark scheme.</summary>
internal sealed class Svg
{
    private readonly StringBuilder _text = new();

    public Svg(double width, double height, string title)
        => Add($"""<svg viewBox="0 0 {N(width)} {N(height)}" role="img" aria-label="{Escape(title)}">""");

    public Svg Line(double x1, double y1, double x2, double y2, string className)
        => Add($"""<line x1="{N(x1)}" y1="{N(y1)}" x2="{N(x2)}" y2="{N(y2)}" class="{className}"/>""");

    public Svg Rectangle(double x, double y, double width, double height, string className, double radius = 0)
        => Add($"""<rect x="{N(x)}" y="{N(y)}" width="{N(Math.Max(0, width))}" height="{N(height)}" rx="{N(radius)}" class="{className}"/>""");

    public Svg Dot(double x, double y, double radius, string className) => Add($"""<circle cx="{N(x)}" cy="{N(y)}" r="{N(radius)}" class="{className}"/>""");

    public Svg Text(double x, double y, string text, string className = "", string anchor = "start")
        => Add($"""<text x="{N(x)}" y="{N(y)}" text-anchor="{anchor}" class="{className}">{Escape(text)}</text>""");

    public Svg Path(IEnumerable<(double X, double Y)> points, string className)
        => Add($"""<path d="M{string.Join('L', points.Select(point => $"{N(point.X)} {N(point.Y)}"))}" class="{className}"/>""");

    public override string ToString() => _text + "</svg>";

    public static string Escape(string text) => WebUtility.HtmlEncode(text);

    private static string N(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);

    private Svg Add(string element)
    {
        _text.Append(element);
        return this;
    }
}
