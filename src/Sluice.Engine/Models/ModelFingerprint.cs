using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Sluice.Engine.Cache;
using Sluice.Engine.Gguf;

namespace Sluice.Engine.Models;

/// <summary>
/// Tells whether two engines give the same tokens to the same request, without reading gigabytes: it sums up all that
/// stands before a file's tensors, the file's length, and samples of the tensors from its beginning to its end.
/// </summary>
internal static class ModelFingerprint
{
    /// <summary>To be raised by whoever changes what the engine computes: the order of additions, the sampler, the text of tokens.</summary>
    private const int Computation = 1;

    private const int Samples = 64;
    private const int SampleBytes = 4096;

    public static string Of(GgufFile file, KvType kvType, int context)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Computation} {kvType} {context} {file.PartNames.Count}")));
        Span<byte> number = stackalloc byte[sizeof(long)];
        for (var part = 0; part < file.PartNames.Count; part++)
        {
            var length = file.LengthOf(part);
            BinaryPrimitives.WriteInt64LittleEndian(number, length);
            hash.AppendData(number);
            var data = file.Tensors.Where(tensor => tensor.Part == part).Select(tensor => tensor.Offset).DefaultIfEmpty(length).Min();
            for (var at = 0L; at < data; at += SampleBytes)
            {
                hash.AppendData(file.Slice(part, at, (int)Math.Min(SampleBytes, data - at)));
            }

            for (var sample = 0; sample <= Samples; sample++)
            {
                hash.AppendData(file.Slice(part, data + (long)((Int128)Math.Max(length - data - SampleBytes, 0) * sample / Samples), SampleBytes));
            }
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
