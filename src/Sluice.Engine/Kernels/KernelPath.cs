using System.Runtime.CompilerServices;
using Sluice.Engine.Kernels.Machine;
using Sluice.Engine.Kernels.Vectors;

namespace Sluice.Engine.Kernels;

/// <summary>
/// The instructions a kernel runs on. Every path gives the same bits; the choice is speed only, so production code
/// takes <see cref="KernelPaths.Best"/> and only tests and benchmarks name another.
/// </summary>
internal enum KernelPath
{
    /// <summary>Vector128 in portable form: Arm, and x86 without AVX2.</summary>
    Portable,

    /// <summary>AVX2 with FMA.</summary>
    Avx2,

    /// <summary>AVX2 with FMA, and the 256-bit byte dot product (AVX-VNNI).</summary>
    AvxVnni,

    /// <summary>AVX-512 F, BW, DQ and VL.</summary>
    Avx512,

    /// <summary>AVX-512 for floats, and the 256-bit byte dot product, which beats 512 bits without one.</summary>
    Avx512Vnni,

    /// <summary>One of the two above, and for quantized weights 512-bit VNNI (<see cref="PackedCode{TFormat}"/>, <see cref="TileCode"/>).</summary>
    WideVnni,

    /// <summary>One of the two above, and for quantized weights 512-bit VNNI or, with many tokens, AMX tiles.</summary>
    AmxTiles,
}

/// <summary>Which paths this processor has, and how wide they are.</summary>
internal static class KernelPaths
{
    /// <summary>The fastest path that the processor has.</summary>
    public static KernelPath Best
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => TileCode.HasTiles ? KernelPath.AmxTiles
            : TileCode.HasWideVnni ? KernelPath.WideVnni
            : WithoutMachineCode;
    }

    /// <summary>The fastest path that C#'s own intrinsics make.</summary>
    private static KernelPath WithoutMachineCode
        => Lanes512.IsSupported ? (VnniDot.IsSupported ? KernelPath.Avx512Vnni : KernelPath.Avx512)
            : VnniDot.IsSupported ? KernelPath.AvxVnni
            : Lanes256.IsSupported ? KernelPath.Avx2
            : KernelPath.Portable;

    /// <summary>Whether this processor can run <paramref name="path"/>.</summary>
    public static bool IsSupported(KernelPath path) => path switch
    {
        KernelPath.AmxTiles => TileCode.HasTiles,
        KernelPath.WideVnni => TileCode.HasWideVnni,
        KernelPath.Avx512Vnni => Lanes512.IsSupported && VnniDot.IsSupported,
        KernelPath.Avx512 => Lanes512.IsSupported,
        KernelPath.AvxVnni => VnniDot.IsSupported,
        KernelPath.Avx2 => Lanes256.IsSupported,
        _ => true,
    };

    /// <summary>The path for what a path's machine code does not do.</summary>
    public static KernelPath Managed(KernelPath path) => path is KernelPath.AmxTiles or KernelPath.WideVnni ? WithoutMachineCode : path;

    /// <summary>Bits of the vectors that a path's float operations take: 512, 256 or 128.</summary>
    public static int Width(KernelPath path) => path switch
    {
        KernelPath.AmxTiles or KernelPath.WideVnni or KernelPath.Avx512Vnni or KernelPath.Avx512 => 512,
        KernelPath.AvxVnni or KernelPath.Avx2 => 256,
        _ => 128,
    };
}
