using System.Buffers.Binary;
using System.IO.Compression;

namespace Sluice.Web.Tests.Pictures;

/// <summary>
/// An animated PNG (PNG specification, third edition, 11.3.6): its first frame whole, of every later one the
/// rectangle that changed. Programs that know nothing of animation show the first frame.
/// </summary>
public sealed class Recording
{
    private const int Rgb = 3;

    private readonly List<(PngImage Image, TimeSpan Shown)> _frames = [];

    /// <summary>Adds a frame, and for how long it is seen. One that looks like the last only prolongs that.</summary>
    public void Add(PngImage image, TimeSpan shown)
    {
        if (_frames is [.., var last] && last.Image.Pixels.AsSpan().SequenceEqual(image.Pixels))
        {
            _frames[^1] = (last.Image, last.Shown + shown);
        }
        else
        {
            _frames.Add((image, shown));
        }
    }

    public void Save(string path)
    {
        using var file = File.Create(path);
        file.Write([0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A]);
        var first = _frames[0].Image;
        Chunk(file, "IHDR"u8, [.. Number(first.Width), .. Number(first.Height), 8, 2, 0, 0, 0]);
        Chunk(file, "acTL"u8, [.. Number(_frames.Count), .. Number(0)]);
        var sequence = 0;
        for (var i = 0; i < _frames.Count; i++)
        {
            var (image, shown) = _frames[i];
            var (x, y, width, height) = i == 0 ? (0, 0, image.Width, image.Height) : Changed(_frames[i - 1].Image, image);
            Chunk(file, "fcTL"u8, [.. Number(sequence++), .. Number(width), .. Number(height), .. Number(x), .. Number(y), .. Milliseconds(shown), 0, 0]);
            var data = Compress(image, x, y, width, height);
            if (i == 0)
            {
                Chunk(file, "IDAT"u8, data);
            }
            else
            {
                Chunk(file, "fdAT"u8, [.. Number(sequence++), .. data]);
            }
        }

        Chunk(file, "IEND"u8, []);
    }

    private static (int X, int Y, int Width, int Height) Changed(PngImage before, PngImage after)
    {
        int left = after.Width, right = -1, top = after.Height, bottom = -1;
        for (var y = 0; y < after.Height; y++)
        {
            for (var x = 0; x < after.Width; x++)
            {
                var at = ((y * after.Width) + x) * Rgb;
                if (!before.Pixels.AsSpan(at, Rgb).SequenceEqual(after.Pixels.AsSpan(at, Rgb)))
                {
                    (left, right, top, bottom) = (Math.Min(left, x), Math.Max(right, x), Math.Min(top, y), y);
                }
            }
        }

        return (left, top, right - left + 1, bottom - top + 1);
    }

    private static byte[] Compress(PngImage image, int x, int y, int width, int height)
    {
        using var output = new MemoryStream();
        using (var deflate = new ZLibStream(output, CompressionLevel.SmallestSize))
        {
            for (var row = y; row < y + height; row++)
            {
                deflate.WriteByte(0); // no filter: text on an even ground packs best as it is
                deflate.Write(image.Pixels, ((row * image.Width) + x) * Rgb, width * Rgb);
            }
        }

        return output.ToArray();
    }

    private static void Chunk(Stream file, ReadOnlySpan<byte> type, ReadOnlySpan<byte> data)
    {
        byte[] content = [.. type, .. data];
        file.Write(Number(data.Length));
        file.Write(content);
        file.Write(Number(Crc32(content)));
    }

    private static int Crc32(byte[] content)
    {
        var crc = uint.MaxValue;
        foreach (var value in content)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc >> 1) ^ (0xEDB88320 & (0 - (crc & 1)));
            }
        }

        return unchecked((int)~crc);
    }

    private static byte[] Number(int value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, value);
        return bytes;
    }

    private static byte[] Milliseconds(TimeSpan time)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, (ushort)Math.Clamp(time.TotalMilliseconds, 1, ushort.MaxValue));
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2), 1000);
        return bytes;
    }
}
