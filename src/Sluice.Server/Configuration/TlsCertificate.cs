using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Sluice.Server.Configuration;

/// <summary>What the server proves with who it is.</summary>
/// <param name="Certificate">Its certificate, with the private key.</param>
/// <param name="Chain">The certificates that lead to one that clients trust, its own first.</param>
internal sealed record TlsCertificate(X509Certificate2 Certificate, X509Certificate2Collection Chain)
{
    /// <summary>Reads the two settings; null where neither is set.</summary>
    /// <exception cref="UsageException">Only one is set, or the files are not what they must be.</exception>
    public static TlsCertificate? From(SettingValues values)
    {
        var (certificate, key) = (values.Find(Setting.TlsCert), values.Find(Setting.TlsKey));
        if (certificate is null && key is null)
        {
            return null;
        }

        if (certificate is not var (path, source) || key is not var (keyPath, keySource))
        {
            throw new UsageException($"{Setting.TlsCert.Flag} and {Setting.TlsKey.Flag} belong together; set both, or neither.");
        }

        try
        {
            var chain = new X509Certificate2Collection();
            chain.ImportFromPemFile(path);
            return new TlsCertificate(X509Certificate2.CreateFromPemFile(path, keyPath), chain);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"{source} and {keySource} cannot be read: {fault.Message}");
        }
        catch (CryptographicException fault)
        {
            throw new UsageException($"{source} and {keySource} must be a certificate and its private key, both as PEM and the key without a password: {fault.Message}");
        }
    }
}
