"""Just enough of GGUF version 3 (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md):
a writer, and a reader that evaluate.py takes the quantized weights from."""
import struct

import numpy as np

UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
F32, Q8_0 = 0, 8
ALIGNMENT = 32
BLOCK = np.dtype([("scale", "<f2"), ("weights", "i1", 32)])


def quantize(matrix):
    """Q8_0: per 32 neighbours in a row a half-precision scale and 32 signed bytes."""
    blocks = matrix.astype(np.float32).reshape(-1, 32)
    scale = np.abs(blocks).max(1) / 127
    inverse = np.where(scale > 0, 1 / np.where(scale > 0, scale, 1), 0)
    out = np.empty(len(blocks), BLOCK)
    out["scale"] = scale
    out["weights"] = np.rint(blocks * inverse[:, None])
    return out.tobytes()


def dequantize(data, shape):
    blocks = np.frombuffer(data, BLOCK)
    return (blocks["weights"] * blocks["scale"].astype(np.float32)[:, None]).reshape(shape)


def text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def metadata_value(value):
    if isinstance(value, bool):
        return struct.pack("<I?", BOOL, value)
    if isinstance(value, int):
        return struct.pack("<II", UINT32, value)
    if isinstance(value, float):
        return struct.pack("<If", FLOAT32, value)
    if isinstance(value, str):
        return struct.pack("<I", STRING) + text(value)
    if isinstance(value[0], str):
        return struct.pack("<IIQ", ARRAY, STRING, len(value)) + b"".join(map(text, value))
    return struct.pack("<IIQ", ARRAY, INT32, len(value)) + struct.pack(f"<{len(value)}i", *value)


def write(path, metadata, tensors):
    """tensors: name -> float array; matrices become Q8_0, vectors F32."""
    parts, infos, offset = [], [], 0
    for name, array in tensors.items():
        kind, data = (Q8_0, quantize(array)) if array.ndim == 2 else (F32, array.astype("<f4").tobytes())
        sizes = array.shape[::-1]
        infos.append(text(name) + struct.pack(f"<I{len(sizes)}QIQ", len(sizes), *sizes, kind, offset))
        data += b"\0" * (-len(data) % ALIGNMENT)
        parts.append(data)
        offset += len(data)
    head = struct.pack("<4sIQQ", b"GGUF", 3, len(tensors), len(metadata))
    head += b"".join(text(key) + metadata_value(value) for key, value in metadata.items()) + b"".join(infos)
    with open(path, "wb") as file:
        file.write(head + b"\0" * (-len(head) % ALIGNMENT) + b"".join(parts))


class Reader:
    def __init__(self, path):
        self.data, self.at = open(path, "rb").read(), 0
        magic, version, tensor_count, count = self.unpack("<4sIQQ")
        assert magic == b"GGUF" and version == 3
        self.metadata = {self.text(): self.value(*self.unpack("<I")) for _ in range(count)}
        infos = [self.info() for _ in range(tensor_count)]
        base = self.at + -self.at % ALIGNMENT
        self.tensors = {name: self.tensor(shape, kind, base + offset) for name, shape, kind, offset in infos}

    def unpack(self, layout):
        values = struct.unpack_from(layout, self.data, self.at)
        self.at += struct.calcsize(layout)
        return values

    def text(self):
        size, = self.unpack("<Q")
        self.at += size
        return self.data[self.at - size:self.at].decode()

    def value(self, kind):
        if kind == STRING:
            return self.text()
        if kind == ARRAY:
            inner, size = self.unpack("<IQ")
            return [self.value(inner) for _ in range(size)]
        return self.unpack("<" + {UINT32: "I", INT32: "i", FLOAT32: "f", BOOL: "?"}[kind])[0]

    def info(self):
        name, (rank,) = self.text(), self.unpack("<I")
        sizes = self.unpack(f"<{rank}Q")
        kind, offset = self.unpack("<IQ")
        return name, sizes[::-1], kind, offset

    def tensor(self, shape, kind, at):
        count = int(np.prod(shape))
        if kind == F32:
            return np.frombuffer(self.data, "<f4", count, at)
        return dequantize(self.data[at:at + count // 32 * BLOCK.itemsize], shape)
