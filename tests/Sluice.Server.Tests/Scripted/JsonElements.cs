using System.Text.Json;

namespace Sluice.Server.Tests.Scripted;

/// <summary>Short ways into JSON for assertions.</summary>
internal static class JsonElements
{
    extension(JsonElement element)
    {
        /// <summary>Follows property names and array indexes: <c>choices.0.delta.content</c>.</summary>
        public JsonElement At(string path)
        {
            foreach (var step in path.Split('.'))
            {
                element = int.TryParse(step, out var index) ? element[index] : element.GetProperty(step);
            }

            return element;
        }

        public string? Text(string path) => element.At(path).GetString();

        public int Number(string path) => element.At(path).GetInt32();

        public bool Has(string path)
        {
            foreach (var step in path.Split('.'))
            {
                if (int.TryParse(step, out var index))
                {
                    if (index >= element.GetArrayLength())
                    {
                        return false;
                    }

                    element = element[index];
                }
                else if (!element.TryGetProperty(step, out element))
                {
                    return false;
                }
            }

            return true;
        }
    }

    public static async Task<JsonElement> ReadJsonAsync(this HttpResponseMessage response)
        => JsonElement.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
}
