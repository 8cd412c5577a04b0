using Sluice.Engine.Tokens.Templates.Jinja;
using Sluice.Engine.Tokens.Templates.Jinja.Values;

namespace Sluice.Engine.Tests.Templates;

/// <summary>Text against a twin that keeps one origin for every character.</summary>
public sealed class TextTests
{
    private const int Rounds = 2_000;
    private const int Seed = 7;

    [Fact]
    public void CutAndJoinedText_HasTheOriginsOfItsCharacters()
    {
        var random = new Random(Seed);
        var budget = new Budget(JinjaLimits.Default with { Steps = long.MaxValue, TextBuilt = long.MaxValue });
        var texts = new List<(Text Text, List<(char Character, bool IsFromTemplate)> Twin)> { Make("template", true), Make("data", false), Make("", true) };
        for (var round = 0; round < Rounds; round++)
        {
            var (text, twin) = texts[random.Next(texts.Count)];
            var (other, otherTwin) = texts[random.Next(texts.Count)];
            var start = random.Next(text.Value.Length + 1);
            var end = random.Next(start, text.Value.Length + 1);
            var made = random.Next(3) switch
            {
                0 => (text.Part(start, end), twin[start..end]),
                1 => (new TextBuilder(budget).Append(text).Append(other).ToText(), [.. twin, .. otherTwin]),
                _ => (new TextBuilder(budget).Append(other).Append(text, start, end).AppendData("!").Append(other).ToText(), [.. otherTwin, .. twin[start..end], ('!', false), .. otherTwin]),
            };
            Check(made);
            texts[made.Item1.Value.Length > 200 ? 0 : random.Next(texts.Count)] = made.Item1.Value.Length > 200 ? Make("again", random.Next(2) == 0) : made;
            if (texts.Count < 20)
            {
                texts.Add(made);
            }
        }
    }

    [Fact]
    public void Length_CountsCodePoints()
    {
        foreach (var (value, length) in new[] { ("a😀b\ud83dc", 5), ("", 0), ("abc", 3), ("😀😀", 2) })
        {
            var text = Text.FromData(value);

            Assert.Equal(length, text.Length);
            Assert.Equal(value.Length, text.OffsetOf(length));
            Assert.All(Enumerable.Range(0, length + 1), index => Assert.Equal(index, text.IndexOf(text.OffsetOf(index))));
        }
    }

    private static (Text Text, List<(char Character, bool IsFromTemplate)> Twin) Make(string value, bool isFromTemplate)
        => (isFromTemplate ? Text.FromTemplate(value) : Text.FromData(value), [.. value.Select(character => (character, isFromTemplate))]);

    private static void Check((Text Text, List<(char Character, bool IsFromTemplate)> Twin) made)
    {
        var stretches = made.Text.Stretches(0, made.Text.Value.Length).ToList();
        Assert.Equal(made.Twin, stretches.SelectMany(stretch => made.Text.Value[stretch.Start..stretch.End].Select(character => (character, stretch.IsFromTemplate))));
        Assert.All(stretches.Zip(stretches.Skip(1)), pair => Assert.NotEqual(pair.First.IsFromTemplate, pair.Second.IsFromTemplate));
        Assert.Equal(made.Twin.All(one => one.IsFromTemplate), made.Text.IsFromTemplate);
    }
}
