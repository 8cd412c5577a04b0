namespace Sluice.Server.Configuration;

/// <summary>The model that comes with Sluice: the GGUF file in models/ beside the program.</summary>
internal static class ShippedModel
{
    /// <exception cref="UsageException">This copy of Sluice came without a model.</exception>
    public static string Find()
    {
        var folder = Path.Combine(AppContext.BaseDirectory, "models");
        var models = Directory.Exists(folder) ? Directory.GetFiles(folder, "*.gguf") : [];
        Array.Sort(models, StringComparer.Ordinal);
        return models is [var first, ..] ? first : throw new UsageException("This copy of Sluice has no model beside it; name one with --model PATH.");
    }
}
