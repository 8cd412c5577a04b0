using System.Text.Json;
using Sluice.Engine;
using Sluice.Server.Api.Chat;
using Sluice.Server.Protocols.Ollama;
using Sluice.Streams;

namespace Sluice.Server.Api.Ollama;

/// <summary>The one model that is served, as Ollama's clients ask for it.</summary>
internal static class OllamaModels
{
    /// <summary>
    /// The version of Ollama whose API this speaks, and not Sluice's own: clients look at it to decide what they may ask
    /// for, and some refuse to talk to an old one.
    /// </summary>
    private const string ApiVersion = "0.12.0";

    /// <summary>The tag that Ollama's clients put behind a name which has none.</summary>
    private const string DefaultTag = ":latest";

    public static Task VersionAsync(HttpContext http)
        => JsonResponse.WriteAsync(http.Response, StatusCodes.Status200OK, static json =>
        {
            json.WriteStartObject();
            json.WriteString("version"u8, ApiVersion);
            json.WriteEndObject();
        });

    public static Task TagsAsync(HttpContext http, ModelHost models)
        => ListAsync(http, models, static (json, model) => json.WriteString("modified_at"u8, OllamaDialect.Instant(model.Created)));

    /// <summary>It stays loaded as long as the server runs.</summary>
    public static Task RunningAsync(HttpContext http, ModelHost models)
        => ListAsync(http, models, static (json, model) =>
        {
            json.WriteString("expires_at"u8, OllamaDialect.Instant(DateTimeOffset.MaxValue));
            json.WriteNumber("size_vram"u8, 0);
            json.WriteNumber("context_length"u8, model.ContextLength);
        });

    public static async Task ShowAsync(HttpContext http, ModelHost models)
    {
        if (!models.TryGet(out var engine, out var error)
            || !(await RequestBody.ReadAsync(http.Request, ApiJson.Default.ModelNameBody)).Succeeded(out var body, out error)
            || !body.Find(engine.Model).Succeeded(out var model, out error))
        {
            await JsonResponse.WriteAsync(http.Response, error);
            return;
        }

        await JsonResponse.WriteAsync(http.Response, StatusCodes.Status200OK, json =>
        {
            json.WriteStartObject();
            json.WriteString("modelfile"u8, ""u8);
            json.WriteString("parameters"u8, ""u8);
            json.WriteString("template"u8, ""u8); // the model's own is a Jinja template, which these clients would take for Ollama's kind
            WriteDetails(json, model);
            json.WriteStartObject("model_info"u8);
            json.WriteString("general.architecture"u8, model.Architecture);
            json.WriteNumber("general.parameter_count"u8, model.Parameters);
            json.WriteNumber($"{model.Architecture}.context_length", model.ContextLength);
            json.WriteEndObject();
            json.WriteStartArray("capabilities"u8);
            json.WriteStringValue("completion"u8);
            if (model.ChatTemplate is not null)
            {
                json.WriteStringValue("tools"u8);
                if (ChatFormat.Of(model).Reasoning != ReasoningSyntax.None)
                {
                    json.WriteStringValue("thinking"u8);
                }
            }

            json.WriteEndArray();
            json.WriteString("modified_at"u8, OllamaDialect.Instant(model.Created));
            json.WriteEndObject();
        });
    }

    /// <summary>Whether this is the model's name, with or without the tag that Ollama's clients add.</summary>
    public static bool IsNameOf(LoadedModel model, string name)
        => (name.EndsWith(DefaultTag, StringComparison.Ordinal) ? name[..^DefaultTag.Length] : name) == model.Id;

    private static async Task ListAsync(HttpContext http, ModelHost models, Action<Utf8JsonWriter, LoadedModel> write)
    {
        if (!models.TryGet(out var engine, out var error))
        {
            await JsonResponse.WriteAsync(http.Response, error);
            return;
        }

        await JsonResponse.WriteAsync(http.Response, StatusCodes.Status200OK, json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("models"u8);
            json.WriteStartObject();
            json.WriteString("name"u8, engine.Model.Id);
            json.WriteString("model"u8, engine.Model.Id);
            json.WriteNumber("size"u8, engine.Model.FileSize);
            WriteDetails(json, engine.Model);
            write(json, engine.Model);
            json.WriteEndObject();
            json.WriteEndArray();
            json.WriteEndObject();
        });
    }

    private static void WriteDetails(Utf8JsonWriter json, LoadedModel model)
    {
        json.WriteStartObject("details"u8);
        json.WriteString("parent_model"u8, ""u8);
        json.WriteString("format"u8, "gguf"u8);
        json.WriteString("family"u8, model.Architecture);
        json.WriteStartArray("families"u8);
        json.WriteStringValue(model.Architecture);
        json.WriteEndArray();
        json.WriteString("parameter_size"u8, model.Size);
        json.WriteString("quantization_level"u8, model.TensorType);
        json.WriteEndObject();
    }
}

/// <summary>The body of <c>POST /api/show</c>.</summary>
internal sealed record ModelNameBody
{
    public string? Model { get; init; }

    /// <summary>The older name of <see cref="Model"/>.</summary>
    public string? Name { get; init; }

    public Outcome<LoadedModel> Find(LoadedModel model)
    {
        if ((Model ?? Name) is not { } asked)
        {
            return ApiError.Invalid("model", "model is missing; it must be a model's name.");
        }

        return OllamaModels.IsNameOf(model, asked) ? model
            : new ApiError(StatusCodes.Status404NotFound, $"There is no model '{asked}'; this server has '{model.Id}'.", "model", "model_not_found");
    }
}
