using System.Buffers.Binary;

namespace Sluice.Engine.Kernels.Machine;

/// <summary>General registers, by their number in the instruction set.</summary>
internal enum Register
{
    Rax,
    Rcx,
    Rdx,
    Rbx,
    Rsp,
    Rbp,
    Rsi,
    Rdi,
    R8,
    R9,
    R10,
    R11,
    R12,
    R13,
    R14,
    R15,
}

/// <summary>A place in memory: a register and a distance in bytes.</summary>
internal readonly record struct Address(Register Base, int Offset)
{
    public static Address operator +(Address address, int distance) => address with { Offset = address.Offset + distance };
}

/// <summary>
/// Writes x86-64 machine code: the few instructions that the kernels need and that C# has no name for, encoded as
/// the Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, says. Vector registers are 512 bits wide.
/// </summary>
internal sealed class CodeWriter
{
    private readonly List<byte> _code = [];

    private enum Prefix
    {
        None,
        P66,
        F3,
        F2,
    }

    private enum Map
    {
        M0F = 1,
        M0F38 = 2,
        M0F3A = 3,
    }

    public int Position => _code.Count;

    public byte[] ToArray() => [.. _code];

    /// <summary>Fills up with instructions that do nothing, so that what follows begins on a boundary.</summary>
    public void Align(int boundary)
    {
        while (_code.Count % boundary != 0)
            _code.Add(0x90);
    }

    // 64-bit moves and sums.
    public void Move(Register target, Register source) => Rex([0x89], (int)source, (int)target);

    public void Move(Register target, int value)
    {
        Rex([0xC7], 0, (int)target);
        Int32(value);
    }

    public void Load(Register target, Address source)
    {
        _code.Add((byte)(0x48 | (target >= Register.R8 ? 4 : 0) | (source.Base >= Register.R8 ? 1 : 0)));
        _code.Add(0x8B);
        Memory((int)target, source, index: null, unit: 0);
    }

    public void Add(Register target, Register source) => Rex([0x01], (int)source, (int)target);

    public void Add(Register target, int value)
    {
        Rex([0x81], 0, (int)target);
        Int32(value);
    }

    public void And(Register target, int value)
    {
        Rex([0x81], 4, (int)target);
        Int32(value);
    }

    /// <summary>Subtracts, and sets the flags that <see cref="JumpIfGreater"/> reads.</summary>
    public void Subtract(Register target, int value)
    {
        Rex([0x81], 5, (int)target);
        Int32(value);
    }

    public void Push(Register register) => Stack(0x50, register);

    public void Pop(Register register) => Stack(0x58, register);

    public void Return()
    {
        // The upper halves are cleared first, or older vector instructions of the caller would be slow.
        _code.AddRange([0xC5, 0xF8, 0x77, 0xC3]);
    }

    /// <summary>Jumps back to a <see cref="Position"/> where the last comparison found a signed greater.</summary>
    public void JumpIfGreater(int position)
    {
        _code.AddRange([0x0F, 0x8F]);
        Int32(position - (_code.Count + 4));
    }

    /// <summary>Jumps forward where the last comparison found a signed less or equal; the result goes to <see cref="Land"/>.</summary>
    public int JumpIfLessOrEqual()
    {
        _code.AddRange([0x0F, 0x8E]);
        Int32(0);
        return _code.Count;
    }

    /// <summary>Makes a forward jump arrive here.</summary>
    public void Land(int jump)
    {
        Span<byte> distance = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(distance, _code.Count - jump);
        for (var i = 0; i < 4; i++)
            _code[jump - 4 + i] = distance[i];
    }

    // 512-bit vectors of 32-bit numbers.
    public void Load(int target, Address source) => Vector(Prefix.None, Map.M0F, 0x10, target, 0, source, broadcast: false);

    public void Store(Address target, int source) => Vector(Prefix.None, Map.M0F, 0x11, source, 0, target, broadcast: false);

    /// <summary>target = <paramref name="value"/> in every lane, by way of a general register.</summary>
    public void BroadcastInt(int target, int value, Register way)
    {
        Move(way, value);
        Vector(Prefix.P66, Map.M0F38, 0x7C, target, 0, (int)way);
    }

    public void IntToFloat(int target, Address source) => Vector(Prefix.None, Map.M0F, 0x5B, target, 0, source, broadcast: false);

    /// <summary>target = sixteen binary16 numbers as floats.</summary>
    public void HalfToFloat(int target, Address source) => Vector(Prefix.P66, Map.M0F38, 0x13, target, 0, source, broadcast: false, unit: 32);

    public void Copy(int target, int source) => Vector(Prefix.None, Map.M0F, 0x28, target, 0, source);

    /// <summary>target = left − the one float at <paramref name="right"/>.</summary>
    public void SubtractOne(int target, int left, Address right) => Vector(Prefix.None, Map.M0F, 0x5C, target, left, right, broadcast: true);

    public void Subtract(int target, int left, int right) => Vector(Prefix.None, Map.M0F, 0x5C, target, left, right);

    public void AddInt(int target, int left, int right) => Vector(Prefix.P66, Map.M0F, 0xFE, target, left, right);

    public void And(int target, int left, int right) => Vector(Prefix.P66, Map.M0F, 0xDB, target, left, right);

    /// <summary>target |= left &amp; right.</summary>
    public void OrMasked(int target, int left, int right)
    {
        // Any function of three bits, by its table: bit 4a + 2b + c is what a, b and c give.
        Vector(Prefix.P66, Map.M0F3A, 0x25, target, left, right);
        _code.Add(0b1111_1000);
    }

    public void ShiftLeft(int target, int source, int bits) => Shift(6, target, source, bits);

    public void ShiftRight(int target, int source, int bits) => Shift(2, target, source, bits);

    public void Multiply(int target, int left, int right) => Vector(Prefix.None, Map.M0F, 0x59, target, left, right);

    /// <summary>target = left × the one float at <paramref name="right"/>.</summary>
    public void MultiplyByOne(int target, int left, Address right) => Vector(Prefix.None, Map.M0F, 0x59, target, left, right, broadcast: true);

    /// <summary>target += left × right, fused.</summary>
    public void MultiplyAdd(int target, int left, int right) => Vector(Prefix.P66, Map.M0F38, 0xB8, target, left, right);

    /// <summary>target += left × the vector at <paramref name="right"/>, fused.</summary>
    public void MultiplyAdd(int target, int left, Address right) => Vector(Prefix.P66, Map.M0F38, 0xB8, target, left, right, broadcast: false);

    /// <summary>target = target × right + the vector at <paramref name="addend"/>, fused.</summary>
    public void MultiplyAddTo(int target, int right, Address addend) => Vector(Prefix.P66, Map.M0F38, 0xA8, target, right, addend, broadcast: false);

    /// <summary>target += left × the one float at <paramref name="right"/>, fused.</summary>
    public void MultiplyAddOne(int target, int left, Address right) => Vector(Prefix.P66, Map.M0F38, 0xB8, target, left, right, broadcast: true);

    /// <summary>target += four unsigned bytes of <paramref name="left"/> × the four signed bytes at <paramref name="right"/>, in each lane.</summary>
    public void ByteDotOne(int target, int left, Address right) => Vector(Prefix.P66, Map.M0F38, 0x50, target, left, right, broadcast: true);

    /// <summary>Asks for the cache line of <paramref name="source"/> in the first-level cache, or the second.</summary>
    public void Prefetch(Address source, int level = 1)
    {
        if (source.Base >= Register.R8)
            _code.Add(0x41);
        _code.AddRange([0x0F, 0x18]);
        Memory(level, source, index: null, unit: 0);
    }

    // AMX tiles. A tile's memory is always [base + offset + row × stride].
    public void LoadTileConfiguration(Address source)
    {
        TileVex(Prefix.None, 0x49, 0, 0, (int)source.Base);
        Memory(0, source, index: null, unit: 0);
    }

    public void ReleaseTiles()
    {
        TileVex(Prefix.None, 0x49, 0, 0, 0);
        _code.Add(0xC0);
    }

    public void ClearTile(int tile)
    {
        TileVex(Prefix.F2, 0x49, tile, 0, 0);
        _code.Add((byte)(0xC0 | (tile << 3)));
    }

    public void LoadTile(int tile, Address source, Register stride)
    {
        TileVex(Prefix.F2, 0x4B, tile, 0, (int)source.Base, (int)stride);
        Memory(tile, source, stride, unit: 0);
    }

    public void StoreTile(Address target, Register stride, int tile)
    {
        TileVex(Prefix.F3, 0x4B, tile, 0, (int)target.Base, (int)stride);
        Memory(tile, target, stride, unit: 0);
    }

    /// <summary>sum += signed bytes of <paramref name="left"/> × signed bytes of <paramref name="right"/>, whose columns are groups of four bytes.</summary>
    public void MultiplyTiles(int sum, int left, int right)
    {
        TileVex(Prefix.F2, 0x5E, sum, right, left);
        _code.Add((byte)(0xC0 | (sum << 3) | left));
    }

    private void Stack(byte opcode, Register register)
    {
        if (register >= Register.R8)
            _code.Add(0x41);
        _code.Add((byte)(opcode + ((int)register & 7)));
    }

    // The operation stands where a register otherwise does, and the target where the second one does.
    private void Shift(int operation, int target, int source, int bits)
    {
        Vector(Prefix.P66, Map.M0F, 0x72, operation, target, source);
        _code.Add((byte)bits);
    }

    private void Rex(ReadOnlySpan<byte> opcode, int register, int other)
    {
        _code.Add((byte)(0x48 | (register >= 8 ? 4 : 0) | (other >= 8 ? 1 : 0)));
        _code.AddRange(opcode);
        _code.Add((byte)(0xC0 | ((register & 7) << 3) | (other & 7)));
    }

    private void Vector(Prefix prefix, Map map, byte opcode, int register, int second, int third)
    {
        Evex(prefix, map, register, second, (third & 8) != 0, (third & 16) != 0, broadcast: false);
        _code.Add(opcode);
        _code.Add((byte)(0xC0 | ((register & 7) << 3) | (third & 7)));
    }

    private void Vector(Prefix prefix, Map map, byte opcode, int register, int second, Address memory, bool broadcast, int unit = 0)
    {
        Evex(prefix, map, register, second, (int)memory.Base >= 8, false, broadcast);
        _code.Add(opcode);
        Memory(register, memory, index: null, unit != 0 ? unit : broadcast ? 4 : 64);
    }

    // The prefix of four bytes; inverted bits throughout. W is 0, the length 512 bits, no mask.
    private void Evex(Prefix prefix, Map map, int register, int second, bool lowExtension, bool highExtension, bool broadcast)
    {
        _code.Add(0x62);
        _code.Add((byte)(((register & 8) == 0 ? 0x80 : 0)
            | (highExtension ? 0 : 0x40)
            | (lowExtension ? 0 : 0x20)
            | ((register & 16) == 0 ? 0x10 : 0)
            | (int)map));
        _code.Add((byte)(((~second & 15) << 3) | 4 | (int)prefix));
        _code.Add((byte)(0x40 | (broadcast ? 0x10 : 0) | ((second & 16) == 0 ? 8 : 0)));
    }

    // Three-byte VEX prefix of 128 bits in the 0F38 map, and the opcode.
    private void TileVex(Prefix prefix, byte opcode, int register, int second, int baseRegister, int index = 0)
    {
        _code.Add(0xC4);
        _code.Add((byte)((register >= 8 ? 0 : 0x80) | (index >= 8 ? 0 : 0x40) | (baseRegister >= 8 ? 0 : 0x20) | (int)Map.M0F38));
        _code.Add((byte)(((~second & 15) << 3) | (int)prefix));
        _code.Add(opcode);
    }

    // ModRM, SIB and distance. A unit other than 0 lets a distance of that many whole units fit one byte (EVEX).
    private void Memory(int register, Address address, Register? index, int unit)
    {
        var shortUnit = unit == 0 ? 1 : unit;
        var isShort = address.Offset % shortUnit == 0 && address.Offset / shortUnit is >= -128 and <= 127;
        var mode = isShort ? 0x40 : 0x80;
        var needsSib = index is not null || ((int)address.Base & 7) == (int)Register.Rsp;
        _code.Add((byte)(mode | ((register & 7) << 3) | (needsSib ? 4 : (int)address.Base & 7)));
        if (needsSib)
            _code.Add((byte)((((int)(index ?? Register.Rsp) & 7) << 3) | ((int)address.Base & 7)));
        if (isShort)
            _code.Add((byte)(address.Offset / shortUnit));
        else
            Int32(address.Offset);
    }

    private void Int32(int value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        _code.AddRange(bytes);
    }
}
