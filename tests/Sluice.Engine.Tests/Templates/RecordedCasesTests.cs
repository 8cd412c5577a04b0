using System.Runtime.CompilerServices;
using System.Text.Json;
using Sluice.Engine.Tokens.Templates;

namespace Sluice.Engine.Tests.Templates;

/// <summary>Templates and what Jinja2 itself makes of them, as Cases/record.py wrote it down.</summary>
public sealed class RecordedCasesTests
{
    private static readonly string Folder = FindFolder();
    private static readonly string Variables = File.ReadAllText(Path.Combine(Folder, "data.json"));

    public static TheoryData<string, int, string> Cases(string file)
    {
        var data = new TheoryData<string, int, string>();
        foreach (var (index, line) in File.ReadLines(Path.Combine(Folder, file)).Index())
        {
            data.Add(file, index + 1, line);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Cases), "chats.jsonl")]
    [MemberData(nameof(Cases), "expressions.jsonl")]
    [MemberData(nameof(Cases), "statements.jsonl")]
    public void Template_RendersAsInJinja2(string file, int line, string json)
    {
        using var document = JsonDocument.Parse(json);
        var template = document.RootElement.GetProperty("template").GetString()!;
        if (document.RootElement.TryGetProperty("output", out var output))
        {
            Assert.Equal(output.GetString(), Chats.RenderJinja(template, Variables).Value);
            return;
        }

        var error = Assert.Throws<ChatTemplateException>(() => Chats.RenderJinja(template, Variables));
        Assert.True(error.Line > 0 && error.Column > 0, $"{file}:{line} fails without a place: {error.Message}");
        Assert.Null(error.Limit);
    }

    private static string FindFolder([CallerFilePath] string here = "") => Path.Combine(Path.GetDirectoryName(here)!, "Cases");
}
