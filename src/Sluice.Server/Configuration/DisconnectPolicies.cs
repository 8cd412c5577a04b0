using Sluice.Streams;

namespace Sluice.Server.Configuration;

/// <summary>How people and clients write a <see cref="DisconnectPolicy"/>.</summary>
internal static class DisconnectPolicies
{
    /// <summary>The possible values, for error messages.</summary>
    public const string Names = "pause, cancel or continue";

    public static string Name(DisconnectPolicy policy) => policy switch
    {
        DisconnectPolicy.Pause => "pause",
        DisconnectPolicy.Cancel => "cancel",
        _ => "continue",
    };

    public static bool TryParse(string text, out DisconnectPolicy policy)
    {
        foreach (var candidate in Enum.GetValues<DisconnectPolicy>())
        {
            if (Name(candidate) == text)
            {
                policy = candidate;
                return true;
            }
        }

        policy = default;
        return false;
    }
}
