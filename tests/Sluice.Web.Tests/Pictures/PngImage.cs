using System.Buffers.Binary;
using System.IO.Compression;

namespace Sluice.Web.Tests.Pictures;

/// <summary>Pixels out of a PNG file as Chromium writes it: eight bits a channel, RGB or RGBA, not interlaced (PNG specification, third edition).</summary>
public sealed class PngImage
{
    private const int Rgb = 3;

    private PngImage(int width, int height, byte[] pixels) => (Width, Height, Pixels) = (width, height, pixels);

    public int Width { get; }

    public int Height { get; }

    /// <summary>Rows of red, green, blue.</summary>
    public byte[] Pixels { get; }

    public static PngImage Decode(ReadOnlySpan<byte> file)
    {
        var at = 8; // the signature
        int width = 0, height = 0, channels = 0;
        using var compressed = new MemoryStream();
        while (at < file.Length)
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(file[at..]);
            var type = file.Slice(at + 4, 4);
            var data = file.Slice(at + 8, length);
            if (type.SequenceEqual("IHDR"u8))
            {
                (width, height) = (BinaryPrimitives.ReadInt32BigEndian(data), BinaryPrimitives.ReadInt32BigEndian(data[4..]));
                channels = (data[8], data[9], data[12]) switch
                {
                    (8, 2, 0) => 3,
                    (8, 6, 0) => 4,
                    _ => throw new NotSupportedException("Not a PNG of eight bits RGB or RGBA without interlacing."),
                };
            }
            else if (type.SequenceEqual("IDAT"u8))
            {
                compressed.Write(data);
            }

            at += 12 + length;
        }

        compressed.Position = 0;
        using var inflated = new ZLibStream(compressed, CompressionMode.Decompress);
        return new PngImage(width, height, Unfilter(inflated, width, height, channels));
    }

    private static byte[] Unfilter(Stream lines, int width, int height, int channels)
    {
        var pixels = new byte[width * height * Rgb];
        var stride = width * channels;
        byte[] above = new byte[stride], line = new byte[stride];
        for (var y = 0; y < height; y++)
        {
            var filter = lines.ReadByte();
            lines.ReadExactly(line);
            for (var i = 0; i < stride; i++)
            {
                int left = i < channels ? 0 : line[i - channels], up = above[i], corner = i < channels ? 0 : above[i - channels];
                line[i] += (byte)(filter switch
                {
                    0 => 0,
                    1 => left,
                    2 => up,
                    3 => (left + up) / 2,
                    4 => Paeth(left, up, corner),
                    _ => throw new InvalidDataException($"There is no PNG filter {filter}."),
                });
            }

            for (var x = 0; x < width; x++)
            {
                line.AsSpan(x * channels, Rgb).CopyTo(pixels.AsSpan(((y * width) + x) * Rgb));
            }

            (above, line) = (line, above);
        }

        return pixels;
    }

    private static int Paeth(int left, int up, int corner)
    {
        var estimate = left + up - corner;
        int byLeft = Math.Abs(estimate - left), byUp = Math.Abs(estimate - up), byCorner = Math.Abs(estimate - corner);
        return byLeft <= byUp && byLeft <= byCorner ? left : byUp <= byCorner ? up : corner;
    }
}
