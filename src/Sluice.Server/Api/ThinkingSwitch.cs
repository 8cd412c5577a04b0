using System.Text.Json;

namespace Sluice.Server.Api;

/// <summary>How a chat template is told whether the model is to think: the variable that Qwen's templates began with. Others do not look.</summary>
internal static class ThinkingSwitch
{
    public static Dictionary<string, JsonElement> Values(bool thinks) => new() { ["enable_thinking"] = JsonElement.Parse(thinks ? "true" : "false") };
}
