
namespace Sluice.Server.Api.Tokenization;

/// <summary>Text to token ids and back, in vLLM's shape.</summary>
internal static class TokenEndpoints
{
    public static async Task TokenizeAsync(HttpContext http, ModelHost models)
    {
        if (!models.TryGet(out var engine, out var error)
            || !(await RequestBody.ReadAsync(http.Request, ApiJson.Default.TokenizeBody)).Succeeded(out var body, out error)
            || !body.Encode(engine.Model).Succeeded(out var tokens, out error))
        {
            await JsonResponse.WriteAsync(http.Response, error);
            return;
        }

        await JsonResponse.WriteAsync(http.Response, StatusCodes.Status200OK, json =>
        {
            json.WriteStartObject();
            json.WriteNumber("count"u8, tokens.Length);
            json.WriteNumber("max_model_len"u8, engine.Model.ContextLength);
            json.WriteStartArray("tokens"u8);
            foreach (var token in tokens)
            {
                json.WriteNumberValue(token);
            }

            json.WriteEndArray();
            if (body.ReturnTokenStrs is true)
            {
                json.WriteStartArray("token_strs"u8);
                foreach (var token in tokens)
                {
                    json.WriteStringValue(engine.Model.Tokenizer.GetPiece(token));
                }

                json.WriteEndArray();
            }
            else
            {
                json.WriteNull("token_strs"u8);
            }

            json.WriteEndObject();
        });
    }

    public static async Task DetokenizeAsync(HttpContext http, ModelHost models)
    {
        if (!models.TryGet(out var engine, out var error)
            || !(await RequestBody.ReadAsync(http.Request, ApiJson.Default.DetokenizeBody)).Succeeded(out var body, out error)
            || !body.Decode(engine.Model).Succeeded(out var text, out error))
        {
            await JsonResponse.WriteAsync(http.Response, error);
            return;
        }

        await JsonResponse.WriteAsync(http.Response, StatusCodes.Status200OK, json =>
        {
            json.WriteStartObject();
            json.WriteString("prompt"u8, text);
            json.WriteEndObject();
        });
    }
}
