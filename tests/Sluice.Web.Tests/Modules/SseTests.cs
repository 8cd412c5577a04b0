using System.Text.Json;

namespace Sluice.Web.Tests.Modules;

public sealed class SseTests(ModulePage page) : IClassFixture<ModulePage>
{
    [Theory]
    [InlineData("data: a\n\ndata:b\n\n", """[{"type":"message","data":"a","id":""},{"type":"message","data":"b","id":""}]""", "", null)]
    [InlineData("data: a\r\n\r\ndata: b\r\rdata: c\n\n", """[{"type":"message","data":"a","id":""},{"type":"message","data":"b","id":""},{"type":"message","data":"c","id":""}]""", "", null)]
    [InlineData("data: one\ndata:\ndata:  two\n\n", "[{\"type\":\"message\",\"data\":\"one\\n\\n two\",\"id\":\"\"}]", "", null)]
    [InlineData(": ping\n\n:\ndata: a\n: more\n\n", """[{"type":"message","data":"a","id":""}]""", "", null)]
    [InlineData("id: 7\nretry: 250\n\ndata: a\n\nid\ndata: b\n\n", """[{"type":"message","data":"a","id":"7"},{"type":"message","data":"b","id":""}]""", "", 250)]
    [InlineData("id: 1\nevent: x\ndata: a\n\ndata: b\n\nid: 2\ndata: lost", """[{"type":"x","data":"a","id":"1"},{"type":"message","data":"b","id":"1"}]""", "1", null)]
    [InlineData("\uFEFFdata: Grüße 日本 😀\n\nretry: soon\nid: a\0b\nwhat: ever\ndata\n\n", """[{"type":"message","data":"Grüße 日本 😀","id":""},{"type":"message","data":"","id":""}]""", "", null)]
    public async Task Events_AreTheSameHoweverTheBytesAreCut(string text, string events, string lastEventId, int? retry)
    {
        using var document = JsonDocument.Parse(await page.CallAsync<string>("sse-splits.js", new { text }));
        var parsed = document.RootElement;

        Assert.Equal(events, parsed.GetProperty("events").GetRawText());
        Assert.Equal(lastEventId, parsed.GetProperty("lastEventId").GetString());
        Assert.Equal(retry, parsed.GetProperty("retry").Deserialize<int?>());
    }
}
