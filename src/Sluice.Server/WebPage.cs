using System.Security.Cryptography;
using Microsoft.Net.Http.Headers;
using Sluice.Server.Access;

namespace Sluice.Server;

/// <summary>The chat page: the files of Web/, which are inside the assembly, at the root.</summary>
internal static class WebPage
{
    private const string ResourcePrefix = "Web/";

    /// <summary>Everything that the page uses comes from this server; no script but its modules runs.</summary>
    private const string ContentSecurityPolicy = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'";

    private static readonly Dictionary<string, string> ContentTypes = new(StringComparer.Ordinal)
    {
        [".html"] = "text/html; charset=utf-8",
        [".js"] = "text/javascript; charset=utf-8",
        [".css"] = "text/css; charset=utf-8",
        [".json"] = "application/json",
        [".webmanifest"] = "application/manifest+json",
        [".svg"] = "image/svg+xml",
        [".png"] = "image/png",
        [".ico"] = "image/x-icon",
        [".woff2"] = "font/woff2",
        [".txt"] = "text/plain; charset=utf-8",
    };

    public static void Map(IEndpointRouteBuilder app)
    {
        var assembly = typeof(WebPage).Assembly;
        foreach (var resource in assembly.GetManifestResourceNames().Where(name => name.StartsWith(ResourcePrefix, StringComparison.Ordinal)))
        {
            using var content = new MemoryStream();
            using (var stream = assembly.GetManifestResourceStream(resource)!)
            {
                stream.CopyTo(content);
            }

            var path = resource[ResourcePrefix.Length..];
            var file = new PageFile(content.ToArray(), ContentTypes[Path.GetExtension(path)]);
            app.MapGet(path == "index.html" ? "/" : "/" + path, file.WriteAsync).WithoutKey();
        }
    }

    private sealed class PageFile(byte[] content, string contentType)
    {
        private readonly EntityTagHeaderValue _tag = new($"\"{Convert.ToHexStringLower(SHA256.HashData(content).AsSpan(0, 16))}\"");

        public Task WriteAsync(HttpContext http)
        {
            var headers = http.Response.GetTypedHeaders();
            headers.ETag = _tag;
            headers.CacheControl = new CacheControlHeaderValue { NoCache = true }; // ask each time, by the tag
            http.Response.Headers.ContentSecurityPolicy = ContentSecurityPolicy;
            http.Response.Headers.XContentTypeOptions = "nosniff";
            http.Response.Headers["Referrer-Policy"] = "no-referrer";
            if (http.Request.GetTypedHeaders().IfNoneMatch.Any(tag => tag.Compare(_tag, useStrongComparison: false)))
            {
                http.Response.StatusCode = StatusCodes.Status304NotModified;
                return Task.CompletedTask;
            }

            http.Response.ContentType = contentType;
            http.Response.ContentLength = content.Length;
            return http.Response.Body.WriteAsync(content, http.RequestAborted).AsTask();
        }
    }
}
