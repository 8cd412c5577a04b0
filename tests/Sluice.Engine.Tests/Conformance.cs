using System.Runtime.CompilerServices;

namespace Sluice.Engine.Tests;

/// <summary>
/// Where the conformance data lies: SLUICE_CONFORMANCE, or ../shared/conformance beside the repository. A clone
/// without it skips the tests that need it; with CI=true they fail instead.
/// </summary>
internal static class Conformance
{
    private static readonly string? Folder = Find();

    /// <summary>Path of a file of the data; skips the calling test where there is no data.</summary>
    public static string PathOf(string name)
    {
        if (Folder is null)
        {
            const string Missing = "No conformance data: set SLUICE_CONFORMANCE to its folder, or put it in ../shared/conformance beside the repository.";
            Assert.SkipUnless(string.Equals(Environment.GetEnvironmentVariable("CI"), "true", StringComparison.OrdinalIgnoreCase), Missing);
            Assert.Fail(Missing);
        }

        return Path.Combine(Folder, name);
    }

    private static string? Find()
    {
        var set = Environment.GetEnvironmentVariable("SLUICE_CONFORMANCE");
        var beside = Path.Combine(RepositoryRoot(), "..", "shared", "conformance");
        return new[] { set, beside }.FirstOrDefault(folder => folder is not null && Directory.Exists(folder));
    }

    /// <summary>The root of this repository's checkout.</summary>
    public static string RepositoryRoot([CallerFilePath] string here = "")
        => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", ".."));
}
