using System.Globalization;
using System.Text.Json;

namespace Sluice.Server.Api.OpenAi.Responses;

/// <summary>A part of the list of a response's input items, the newest first unless asked otherwise.</summary>
internal sealed record InputPage(IReadOnlyList<JsonElement> Items, bool HasMore)
{
    private const int DefaultLimit = 20;
    private const int MostLimit = 100;

    public static Outcome<InputPage> Read(HttpRequest request, IReadOnlyList<JsonElement> items)
    {
        var (order, limit, after) = (request.Query["order"].ToString(), request.Query["limit"].ToString(), request.Query["after"].ToString());
        if (order is not ("" or "asc" or "desc"))
        {
            return ApiError.Invalid("order", "order must be asc or desc.");
        }

        var count = DefaultLimit;
        if (limit.Length > 0 && (!int.TryParse(limit, NumberStyles.None, CultureInfo.InvariantCulture, out count) || count is < 1 or > MostLimit))
        {
            return ApiError.Invalid("limit", $"limit must be from 1 to {MostLimit}.");
        }

        var ordered = (order == "asc" ? items : items.Reverse()).ToList();
        var start = 0;
        if (after.Length > 0)
        {
            start = ordered.FindIndex(item => IdOf(item) == after) + 1;
            if (start == 0)
            {
                return ApiError.Invalid("after", $"The response's input has no item {after}.");
            }
        }

        return new InputPage([.. ordered.Skip(start).Take(count)], ordered.Count > start + count);
    }

    public void WriteTo(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("object"u8, "list");
        json.WriteStartArray("data"u8);
        foreach (var item in Items)
        {
            item.WriteTo(json);
        }

        json.WriteEndArray();
        json.WriteString("first_id"u8, Items.Count > 0 ? IdOf(Items[0]) : null);
        json.WriteString("last_id"u8, Items.Count > 0 ? IdOf(Items[^1]) : null);
        json.WriteBoolean("has_more"u8, HasMore);
        json.WriteEndObject();
    }

    private static string? IdOf(JsonElement item) => item.GetProperty("id"u8).GetString();
}
