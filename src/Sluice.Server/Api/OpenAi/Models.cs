using System.Text.Json;
using Sluice.Engine;

namespace Sluice.Server.Api.OpenAi;

/// <summary>The one model that is served.</summary>
internal static class Models
{
    public static async Task ListAsync(HttpContext http, ModelHost models)
    {
        if (!models.TryGet(out var engine, out var error))
        {
            await JsonResponse.WriteAsync(http.Response, error);
            return;
        }

        await JsonResponse.WriteAsync(http.Response, StatusCodes.Status200OK, json =>
        {
            json.WriteStartObject();
            json.WriteString("object"u8, "list");
            json.WriteStartArray("data"u8);
            Write(json, engine.Model);
            json.WriteEndArray();
            json.WriteEndObject();
        });
    }

    public static async Task GetAsync(HttpContext http, ModelHost models, string id)
    {
        if (!models.TryGet(out var engine, out var error))
        {
            await JsonResponse.WriteAsync(http.Response, error);
        }
        else if (id != engine.Model.Id)
        {
            await JsonResponse.WriteAsync(http.Response, new ApiError(
                StatusCodes.Status404NotFound, $"There is no model '{id}'; this server has '{engine.Model.Id}'.", "model", "model_not_found"));
        }
        else
        {
            await JsonResponse.WriteAsync(http.Response, StatusCodes.Status200OK, json => Write(json, engine.Model));
        }
    }

    private static void Write(Utf8JsonWriter json, LoadedModel model)
    {
        json.WriteStartObject();
        json.WriteString("id"u8, model.Id);
        json.WriteString("object"u8, "model");
        json.WriteNumber("created"u8, model.Created.ToUnixTimeSeconds());
        json.WriteString("owned_by"u8, "sluice");
        json.WriteNumber("max_model_len"u8, model.ContextLength);
        json.WriteString("description"u8, model.Description);
        json.WriteEndObject();
    }
}
