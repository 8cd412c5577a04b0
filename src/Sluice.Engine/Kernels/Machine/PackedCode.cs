using System.Runtime.CompilerServices;
using Sluice.Engine.Kernels.Formats;
using Sluice.Engine.Kernels.Vectors;

namespace Sluice.Engine.Kernels.Machine;

/// <summary>
/// Products of packed weights with a few tokens by 512-bit VNNI, as machine code made when a format is first used:
/// what <see cref="QuantizedTile"/> does, in a third of the instructions. Row groups take turns block by block; see
/// <see cref="FewTokensProduct"/>.
/// </summary>
internal static unsafe class PackedCode<TFormat>
    where TFormat : IBlockFormat
{
    private const int VectorBytes = 64;

    // The arguments' registers by the System V calling convention; the seventh argument, y, lies above the return address.
    private const Register FirstPlace = Register.Rdi;
    private const Register Step = Register.Rsi;
    private const Register Prepared = Register.Rdx;
    private const Register Blocks = Register.Rcx;
    private const Register FirstToken = Register.R8;
    private const Register TokenStride = Register.R9;
    private static readonly Address Y = new(Register.Rbp, 16);

    private static readonly Register[] Places = [FirstPlace, Register.R10, Register.R11, Step];
    private static readonly Register[] Tokens = [FirstToken, Register.Rax, Register.Rbx, Register.R12, Register.R13, Register.R14, Register.R15, TokenStride];
    private static readonly Register[] Saved = [Register.Rbx, Register.R12, Register.R13, Register.R14, Register.R15];

    // Vector registers. From 4 on lie the tokens' dot products, from 16 on the sums.
    private const int Magic = 0; // ActivationBlock.MagicBits
    private const int LowBits = 1; // the four lower bits of a weight
    private const int UpperBits = 2; // its upper one or two
    private const int Zero = 3;
    private const int Dot = 4;
    private const int Weight = 12;
    private const int Other = 13;
    private const int Scale = 14;
    private const int Third = 15;
    private const int Sum = 16;

    private static readonly nint[]? Published = TileCode.HasWideVnni ? Publish() : null;

    /// <summary>Whether this process can use it.</summary>
    public static bool IsSupported => Published is not null;

    /// <summary>Most tokens that one call computes: six bits need two dot products for each.</summary>
    public static int MostTokens => TFormat.Bits == 6 ? 4 : 8;

    /// <summary>How many row groups can take turns.</summary>
    public static int PlacesFor(int tokens) => tokens <= 4 ? 4 : 2;

    /// <summary>Adds the products of some blocks to the sums.</summary>
    /// <param name="places">Row groups, from one to <see cref="PlacesFor"/>.</param>
    /// <param name="packed">The first group's packed weights.</param>
    /// <param name="step">Bytes from one group's to the next one's.</param>
    /// <param name="prepared">The scales of <see cref="FewTokensProduct.PreparedBlocks"/> blocks for each group.</param>
    /// <param name="blocks">Blocks of 32 columns, from one to that many.</param>
    /// <param name="tokens">Tokens, from one to <see cref="MostTokens"/>.</param>
    /// <param name="x">The first token's <see cref="ActivationBlock"/>s.</param>
    /// <param name="xStride">Bytes from one token's to the next one's.</param>
    /// <param name="y">[places × tokens × 16] sums so far.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run(int places, byte* packed, nint step, float* prepared, nint blocks, int tokens, byte* x, nint xStride, float* y)
        => ((delegate* unmanaged[SuppressGCTransition]<byte*, nint, float*, nint, byte*, nint, float*, void>)Published![Index(tokens, places)])(
            packed, step, prepared, blocks, x, xStride, y);

    private static int Index(int tokens, int places) => ((tokens - 1) * Places.Length) + places - 1;

    private static nint[]? Publish()
    {
        var code = new CodeWriter();
        var positions = new int[Index(MostTokens, Places.Length) + 1];
        for (var tokens = 1; tokens <= MostTokens; tokens++)
        {
            for (var places = 1; places <= PlacesFor(tokens); places++)
                positions[Index(tokens, places)] = Write(code, tokens, places);
        }

        var start = ExecutableMemory.TryPublish(code.ToArray());
        return start == null ? null : [.. positions.Select(position => (nint)(start + position))];
    }

    private static int Write(CodeWriter code, int tokens, int places)
    {
        code.Align(VectorBytes);
        var position = code.Position;
        code.Push(Register.Rbp);
        code.Move(Register.Rbp, Register.Rsp);
        foreach (var register in Saved)
            code.Push(register);

        code.BroadcastInt(Magic, ActivationBlock.MagicBits, Register.Rax);
        code.BroadcastInt(LowBits, 0x0F0F0F0F, Register.Rax);
        code.BroadcastInt(UpperBits, TFormat.Bits == 6 ? 0x30303030 : 0x10101010, Register.Rax);
        code.BroadcastInt(Zero, 0, Register.Rax);
        code.Load(Register.Rax, Y);
        for (var sum = 0; sum < places * tokens; sum++)
            code.Load(Sum + sum, new Address(Register.Rax, sum * VectorBytes));

        for (var place = 1; place < places; place++)
        {
            // The step's own register becomes the last place.
            if (Places[place] != Step)
                code.Move(Places[place], Places[place - 1]);
            code.Add(Places[place], Places[place] == Step ? Places[place - 1] : Step);
        }

        for (var token = 1; token < tokens; token++)
        {
            if (Tokens[token] != TokenStride)
                code.Move(Tokens[token], Tokens[token - 1]);
            code.Add(Tokens[token], Tokens[token] == TokenStride ? Tokens[token - 1] : TokenStride);
        }

        var loop = code.Position;
        for (var place = 0; place < places; place++)
            Block(code, tokens, place);
        for (var place = 0; place < places; place++)
            code.Add(Places[place], PackedWeights.Bytes(TFormat.Bits));
        for (var token = 0; token < tokens; token++)
            code.Add(Tokens[token], ActivationBuffer.BlockBytes);
        code.Add(Prepared, QuantizedTile.PreparedFloats<TFormat>() * sizeof(float));
        code.Subtract(Blocks, 1);
        code.JumpIfGreater(loop);

        code.Load(Register.Rax, Y);
        for (var sum = 0; sum < places * tokens; sum++)
            code.Store(new Address(Register.Rax, sum * VectorBytes), Sum + sum);
        foreach (var register in Saved.Reverse())
            code.Pop(register);
        code.Pop(Register.Rbp);
        code.Return();
        return position;
    }

    /// <summary>One block of one row group.</summary>
    private static void Block(CodeWriter code, int tokens, int place)
    {
        var weights = new Address(Places[place], 0);
        for (var line = 0; line < TFormat.Bits; line++)
            code.Prefetch(weights + (CacheLine.AheadBytes + (line * VectorBytes)));

        // Where registers are free, every other quad adds to a second chain, to hide the latency of the dot product.
        // With six bits it is the quads of the first sixteen columns and of the last that add up apart.
        var second = tokens <= 4 ? Dot + tokens : Dot;
        for (var token = 0; token < tokens; token++)
        {
            code.Copy(Dot + token, Magic);
            if (second != Dot)
                code.Copy(second + token, TFormat.Bits == 6 ? Magic : Zero);
        }

        for (var q = 0; q < (TFormat.Bits == 8 ? 8 : 4); q++)
        {
            code.Load(Weight, weights + (q * VectorBytes));
            if (TFormat.Bits == 8)
            {
                AddProducts(Weight, q, q % 2 == 0 ? Dot : second);
                continue;
            }

            code.ShiftRight(Other, Weight, 4);
            code.And(Weight, Weight, LowBits);
            code.And(Other, Other, LowBits);
            if (TFormat.Bits == 5)
            {
                AddUpper(Weight, weights + (4 * VectorBytes), left: 4 - q);
                AddUpper(Other, weights + (4 * VectorBytes), left: -q);
            }
            else if (TFormat.Bits == 6)
            {
                AddUpper(Weight, weights + (4 * VectorBytes), left: 4 - (2 * q));
                AddUpper(Other, weights + (5 * VectorBytes), left: 4 - (2 * q));
            }

            AddProducts(Weight, q, Dot);
            AddProducts(Other, q + 4, second);
        }

        var floats = QuantizedTile.PreparedFloats<TFormat>();
        var scales = new Address(Prepared, place * FewTokensProduct.PreparedBlocks * floats * sizeof(float));
        code.Load(Scale, scales);
        if (TFormat.HasMinimum)
            code.Load(Third, scales + VectorBytes);
        for (var token = 0; token < tokens; token++)
        {
            var (dot, sum, x) = (Dot + token, Sum + (place * tokens) + token, new Address(Tokens[token], 0));
            if (TFormat.Bits == 6)
            {
                var (low, high) = (dot, second + token);
                code.SubtractOne(low, low, x + ActivationBlock.Bias32LowAt);
                code.SubtractOne(high, high, x + ActivationBlock.Bias32HighAt);
                code.Load(Third, scales + (2 * VectorBytes));
                code.Multiply(dot = high, high, Third);
                code.MultiplyAdd(dot, low, scales + VectorBytes);
            }
            else
            {
                if (second != Dot)
                    code.AddInt(dot, dot, second + token);
                if (Bias is { } bias)
                    code.SubtractOne(dot, dot, x + bias);
                else
                    code.Subtract(dot, dot, Magic);
            }

            code.MultiplyByOne(Other, Scale, x + ActivationBlock.ScaleAt);
            code.MultiplyAdd(sum, Other, dot);
            if (TFormat.HasMinimum)
                code.MultiplyAddOne(sum, Third, x + ActivationBlock.ScaledSumAt);
        }

        void AddProducts(int quad, int q, int chain)
        {
            for (var token = 0; token < tokens; token++)
                code.ByteDotOne(chain + token, quad, new Address(Tokens[token], q * 4));
        }

        void AddUpper(int weight, Address upper, int left)
        {
            code.Load(Third, upper);
            if (left > 0)
                code.ShiftLeft(Third, Third, left);
            else if (left < 0)
                code.ShiftRight(Third, Third, -left);
            code.OrMasked(weight, Third, UpperBits);
        }
    }

    /// <summary>What the weights' offset adds to a dot product, besides the magic number; null where there is no offset.</summary>
    private static int? Bias => TFormat.Bits == 8 ? ActivationBlock.Bias128At
        : TFormat.Offset == 16 ? ActivationBlock.Bias16At
        : TFormat.Offset == 8 ? ActivationBlock.Bias8At
        : null;
}
