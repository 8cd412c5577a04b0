using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using Sluice.Engine.Kernels.Vectors;

namespace Sluice.Engine.Kernels.Machine;

/// <summary>What happens to the integer dot products of a block; see <see cref="QuantizedTile"/> for the canonical order.</summary>
internal enum TileKind
{
    /// <summary>sum += (scale × activation scale) × dot.</summary>
    Scale,

    /// <summary>The same, then sum += minimum × scaled activation sum.</summary>
    Minimum,

    /// <summary>dot = low scale × dot of the first sixteen columns + high scale × dot of the last, then as <see cref="Scale"/>.</summary>
    Halves,
}

/// <summary>
/// The inner kernels that C# has no intrinsics for, as machine code made when the process starts: byte dot products by
/// AMX tiles (sixteen rows × sixteen tokens × 32 columns in one instruction), and by 512-bit VNNI. The integer sums are
/// exact and the floating-point operations behind them the canonical ones, so the bits are those of every other path.
/// </summary>
internal static unsafe class TileCode
{
    /// <summary>Bytes that a block's computation brings into the second-level cache for later.</summary>
    public const int AheadBytes = 4 * VectorBytes;

    private const int Rows = 16;
    private const int VectorBytes = 64;
    private const int BlockWeights = 8 * VectorBytes;
    private const int TileConfigurationBytes = 64;

    // The arguments' registers by the System V calling convention.
    private const Register Weights = Register.Rdi;
    private const Register Scales = Register.Rsi;
    private const Register Blocks = Register.Rdx;
    private const Register X = Register.Rcx;
    private const Register Y = Register.R8;
    private const Register YStride = Register.R9;
    private static readonly Address AheadArgument = new(Register.Rbp, 16); // the seventh lies above the return address
    private const Register Ahead = Register.R11;

    private const int Scale = 0;
    private const int Second = 1; // the minimum, or the low scale
    private const int Third = 2; // the high scale
    private const int Magic = 3; // ActivationBlock.MagicBits

    // The first of the registers that hold a number for each token: the sums, or with VNNI the dot products.
    private const int PerToken = 16;

    private static readonly Functions Published = Publish();

    /// <summary>Whether this process can use AMX tiles.</summary>
    public static bool HasTiles => Published.TilesAt is not null;

    /// <summary>Whether this process can use 512-bit VNNI.</summary>
    public static bool HasWideVnni => Published.WideAt is not null;

    /// <summary>Gives this thread tile registers of the shapes that <see cref="RunTiles"/> takes; <see cref="ReleaseTiles"/> gives them back.</summary>
    public static void ConfigureTiles()
    {
        var configuration = stackalloc byte[TileConfigurationBytes];
        new Span<byte>(configuration, TileConfigurationBytes).Clear();
        configuration[0] = 1; // the palette
        for (var tile = 0; tile < 8; tile++)
        {
            // 0 and 1 hold sums, 4 and 5 activations, 6 and 7 weights.
            ((ushort*)(configuration + 16))[tile] = tile is 4 or 5 ? (ushort)ActivationTiles.TokenBytes : (ushort)VectorBytes;
            configuration[48 + tile] = tile is 6 or 7 ? (byte)8 : (byte)Rows;
        }

        ((delegate* unmanaged[SuppressGCTransition]<byte*, void>)Published.ConfigureAt)(configuration);
    }

    /// <summary>Ends the use of tiles on this thread.</summary>
    public static void ReleaseTiles() => ((delegate* unmanaged[SuppressGCTransition]<void>)Published.ReleaseAt)();

    /// <summary>
    /// Adds the products of some blocks to the sums of sixteen rows × sixteen tokens by AMX tiles; to be called between
    /// <see cref="ConfigureTiles"/> and <see cref="ReleaseTiles"/>.
    /// </summary>
    /// <param name="kind">What goes with the format; not <see cref="TileKind.Halves"/>, which VNNI does as fast.</param>
    /// <param name="weights">Per block eight vectors of 64 bytes, one for four columns: sixteen rows × four signed bytes. One more block is read, and not used.</param>
    /// <param name="scales">Per block what <see cref="Formats.IBlockFormat.PrepareScales"/> makes.</param>
    /// <param name="blocks">Blocks of 32 columns; at least one.</param>
    /// <param name="x">An <see cref="ActivationTiles"/> tile, from the same block on. One more block is read, and not used.</param>
    /// <param name="y">The first token's sixteen sums.</param>
    /// <param name="yStride">Bytes from one token's sums to the next.</param>
    /// <param name="ahead">What will be read later: <see cref="AheadBytes"/> for each block are brought nearer from here on. Need not be mapped.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void RunTiles(TileKind kind, byte* weights, float* scales, nint blocks, byte* x, float* y, nint yStride, byte* ahead)
        => ((delegate* unmanaged[SuppressGCTransition]<byte*, float*, nint, byte*, float*, nint, byte*, void>)Published.TilesAt![(int)kind])(
            weights, scales, blocks, x, y, yStride, ahead);

    /// <summary>
    /// As <see cref="RunTiles"/> by 512-bit VNNI, for the first eight tokens of x's tile or for all sixteen. The
    /// weights are unsigned, 128 above their value.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void RunWide(TileKind kind, bool allTokens, byte* weights, float* scales, nint blocks, byte* x, float* y, nint yStride, byte* ahead)
        => ((delegate* unmanaged[SuppressGCTransition]<byte*, float*, nint, byte*, float*, nint, byte*, void>)Published.WideAt![((int)kind * 2) + (allTokens ? 1 : 0)])(
            weights, scales, blocks, x, y, yStride, ahead);

    private static Functions Publish()
    {
        // The calling convention is that of Linux; the code takes AVX-512 for granted.
        if (!OperatingSystem.IsLinux() || !Lanes512.IsSupported || RuntimeInformation.ProcessArchitecture != Architecture.X64)
            return default;
        var (_, _, features, moreFeatures) = X86Base.CpuId(7, 0);
        var hasVnni = (features & (1 << 11)) != 0;
        var hasTiles = (moreFeatures & (1 << 24)) != 0 && (moreFeatures & (1 << 25)) != 0 && TilePermission.TryAcquire();

        var code = new CodeWriter();
        List<int> tiles = [], wide = [];
        int configure = 0, release = 0;
        foreach (var kind in Enum.GetValues<TileKind>())
        {
            if (hasTiles && kind != TileKind.Halves)
                tiles.Add(Begin(code, () => WriteTiles(code, kind)));
            for (var tokens = Rows / 2; hasVnni && tokens <= Rows; tokens += Rows / 2)
                wide.Add(Begin(code, () => WriteWide(code, kind, tokens)));
        }

        if (hasTiles)
        {
            configure = Begin(code, () =>
            {
                code.LoadTileConfiguration(new Address(Register.Rdi, 0));
                code.Return();
            });
            release = Begin(code, () =>
            {
                code.ReleaseTiles();
                code.Return();
            });
        }

        if (code.Position == 0 || ExecutableMemory.TryPublish(code.ToArray()) is var start && start == null)
            return default;
        return new Functions
        {
            TilesAt = At(tiles),
            WideAt = At(wide),
            ConfigureAt = start + configure,
            ReleaseAt = start + release,
        };

        nint[]? At(List<int> positions) => positions.Count == 0 ? null : [.. positions.Select(position => (nint)(start + position))];
    }

    private static int Begin(CodeWriter code, Action write)
    {
        code.Align(VectorBytes);
        var position = code.Position;
        write();
        return position;
    }

    private static int ScaleFloats(TileKind kind) => Rows * (kind switch { TileKind.Halves => 3, TileKind.Minimum => 2, _ => 1 });

    // ---- AMX: the tiles of the next block are multiplied while the last block's dot products are scaled. Without that
    // ---- overlap the two take 25 ns; with it 24 of them rest on the scaling, because one of the two units that multiply
    // ---- and convert 512 bits stands still while tiles are at work (measured).
    private static void WriteTiles(CodeWriter code, TileKind kind)
    {
        const Register XRowStride = Register.Rax;
        const Register VectorStride = Register.R10;
        const int ProductBytes = Rows * VectorBytes;
        var products = new[] { new Address(Register.Rsp, 0), new Address(Register.Rsp, ProductBytes) };

        code.Push(Register.Rbp);
        code.Move(Register.Rbp, Register.Rsp);
        code.Subtract(Register.Rsp, 2 * ProductBytes);
        code.And(Register.Rsp, -VectorBytes);
        code.Move(XRowStride, ActivationTiles.TokenBytes);
        code.Move(VectorStride, VectorBytes);
        Sums(code, load: true);
        code.Load(Ahead, AheadArgument);

        Products(0, ahead: 0);
        var loop = code.Position;
        Products(1, ahead: 1);
        Scaled(0);
        Advance(code, kind);
        var end = code.JumpIfLessOrEqual();
        Products(0, ahead: 1);
        Scaled(1);
        Advance(code, kind);
        code.JumpIfGreater(loop);
        code.Land(end);

        Sums(code, load: false);
        code.Move(Register.Rsp, Register.Rbp);
        code.Pop(Register.Rbp);
        code.Return();

        void Products(int turn, int ahead)
        {
            Prefetch(code, new Address(X, (ahead + 4) * ActivationTiles.BlockBytes), ActivationTiles.BiasAt);
            code.LoadTile(6 + turn, new Address(Weights, ahead * BlockWeights), VectorStride);
            code.LoadTile(4 + turn, new Address(X, ahead * ActivationTiles.BlockBytes), XRowStride);
            code.ClearTile(turn);
            code.MultiplyTiles(turn, 4 + turn, 6 + turn);
            code.StoreTile(products[turn], VectorStride, turn);
        }

        void Scaled(int turn)
        {
            LoadScales(code, kind);
            for (var token = 0; token < Rows; token++)
            {
                // Registers 4 to 15 in turn, two for each token, so that neighbours do not wait for each other.
                var dot = 4 + (2 * (token % 6));
                var scale = dot + 1;
                code.IntToFloat(dot, products[turn] + (token * VectorBytes));
                code.MultiplyByOne(scale, Scale, new Address(X, ActivationTiles.ScalesAt + (token * 4)));
                code.MultiplyAdd(PerToken + token, scale, dot);
                if (kind == TileKind.Minimum)
                    code.MultiplyAddOne(PerToken + token, Second, new Address(X, ActivationTiles.ScaledSumsAt + (token * 4)));
            }
        }
    }

    // ---- 512-bit VNNI: sixteen integer sums in registers are enough chains to hide the latency of the dot product; ----
    // ---- the floating-point sums, one use for each block, wait on the stack.                                       ----
    private static void WriteWide(CodeWriter code, TileKind kind, int tokens)
    {
        const int Weight = 4;
        const int Spare = 5;
        var sums = new Address(Register.Rsp, 0);
        var lows = sums + (Rows * VectorBytes);

        code.Push(Register.Rbp);
        code.Move(Register.Rbp, Register.Rsp);
        code.Subtract(Register.Rsp, 2 * Rows * VectorBytes);
        code.And(Register.Rsp, -VectorBytes);
        code.BroadcastInt(Magic, ActivationBlock.MagicBits, Register.R11);
        Move(code, tokens, token => (new Address(Register.R11, 0), sums + (token * VectorBytes)));
        code.Load(Ahead, AheadArgument);

        var loop = code.Position;
        Prefetch(code, new Address(X, 4 * ActivationTiles.BlockBytes), ActivationTiles.BlockBytes);
        Prefetch(code, new Address(Weights, 8 * BlockWeights), BlockWeights);
        LoadScales(code, kind);
        if (kind == TileKind.Halves)
        {
            DotProducts(0, 4);
            for (var token = 0; token < tokens; token++)
            {
                code.SubtractOne(PerToken + token, PerToken + token, new Address(X, ActivationTiles.BiasLowAt + (token * 4)));
                code.Store(lows + (token * VectorBytes), PerToken + token);
            }

            DotProducts(4, 8);
        }
        else
        {
            DotProducts(0, 8);
        }

        for (var token = 0; token < tokens; token++)
        {
            var (dot, spare) = (PerToken + token, Spare + (token % 8));
            code.SubtractOne(dot, dot, new Address(X, (kind == TileKind.Halves ? ActivationTiles.BiasHighAt : ActivationTiles.BiasAt) + (token * 4)));
            if (kind == TileKind.Halves)
            {
                code.Multiply(dot, dot, Third);
                code.MultiplyAdd(dot, Second, lows + (token * VectorBytes));
            }

            code.MultiplyByOne(spare, Scale, new Address(X, ActivationTiles.ScalesAt + (token * 4)));
            code.MultiplyAddTo(spare, dot, sums + (token * VectorBytes));
            if (kind == TileKind.Minimum)
                code.MultiplyAddOne(spare, Second, new Address(X, ActivationTiles.ScaledSumsAt + (token * 4)));
            code.Store(sums + (token * VectorBytes), spare);
        }

        Advance(code, kind);
        code.JumpIfGreater(loop);

        Move(code, tokens, token => (sums + (token * VectorBytes), new Address(Register.R11, 0)));
        code.Move(Register.Rsp, Register.Rbp);
        code.Pop(Register.Rbp);
        code.Return();

        void DotProducts(int firstQuad, int endQuad)
        {
            for (var token = 0; token < tokens; token++)
                code.Copy(PerToken + token, Magic);
            for (var quad = firstQuad; quad < endQuad; quad++)
            {
                code.Load(Weight, new Address(Weights, quad * VectorBytes));
                for (var token = 0; token < tokens; token++)
                    code.ByteDotOne(PerToken + token, Weight, new Address(X, (token * ActivationTiles.TokenBytes) + (quad * 4)));
            }
        }
    }

    /// <summary>Moves the tokens' sums, one after another, from or to [r11], which goes through y.</summary>
    private static void Move(CodeWriter code, int tokens, Func<int, (Address From, Address To)> way)
    {
        code.Move(Register.R11, Y);
        for (var token = 0; token < tokens; token++)
        {
            var (from, to) = way(token);
            code.Load(16, from);
            code.Store(to, 16);
            code.Add(Register.R11, YStride);
        }
    }

    private static void Sums(CodeWriter code, bool load)
    {
        code.Move(Register.R11, Y);
        for (var token = 0; token < Rows; token++)
        {
            if (load)
                code.Load(PerToken + token, new Address(Register.R11, 0));
            else
                code.Store(new Address(Register.R11, 0), PerToken + token);
            code.Add(Register.R11, YStride);
        }
    }

    /// <summary>Asks for what will be read soon: the processor's own prefetching does not keep up (12 % of the time, measured).</summary>
    private static void Prefetch(CodeWriter code, Address from, int bytes)
    {
        for (var line = 0; line < bytes; line += VectorBytes)
            code.Prefetch(from + line);
    }

    private static void LoadScales(CodeWriter code, TileKind kind)
    {
        code.Load(Scale, new Address(Scales, 0));
        if (kind != TileKind.Scale)
            code.Load(Second, new Address(Scales, VectorBytes));
        if (kind == TileKind.Halves)
            code.Load(Third, new Address(Scales, 2 * VectorBytes));
    }

    /// <summary>Goes to the next block and compares the number of those left with zero.</summary>
    private static void Advance(CodeWriter code, TileKind kind)
    {
        for (var line = 0; line < AheadBytes; line += VectorBytes)
            code.Prefetch(new Address(Ahead, line), level: 2);
        code.Add(Ahead, AheadBytes);
        code.Add(Weights, BlockWeights);
        code.Add(X, ActivationTiles.BlockBytes);
        code.Add(Scales, ScaleFloats(kind) * sizeof(float));
        code.Subtract(Blocks, 1);
    }

    private struct Functions
    {
        public nint[]? TilesAt;
        public nint[]? WideAt;
        public void* ConfigureAt;
        public void* ReleaseAt;
    }
}
