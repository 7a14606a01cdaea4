#!/usr/bin/env python3
"""Writes ../crate.glb: a wooden crate of 0.50 x 0.38 x 0.32 m with corner posts, slats with gaps and a floor.

Only the standard library. Metres, Y up, origin on the floor under the middle, as glTF wants it.
"""
import json
import math
import pathlib
import struct

LENGTH, DEPTH, HEIGHT = 0.50, 0.38, 0.32
BOARD = 0.014
BEVEL = 0.002
SLATS = 4


def board(x0, y0, z0, x1, y1, z1):
    """A box with bevelled edges: triangles of (position, normal)."""
    low, high = (x0, y0, z0), (x1, y1, z1)
    out = []

    def face(points):
        a, b, c = points[0], points[1], points[2]
        u = [b[i] - a[i] for i in range(3)]
        v = [c[i] - a[i] for i in range(3)]
        n = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]]
        size = math.sqrt(sum(k * k for k in n))
        n = [k / size for k in n]
        middle = [sum(p[i] for p in points) / len(points) - (low[i] + high[i]) / 2 for i in range(3)]
        if sum(n[i] * middle[i] for i in range(3)) < 0:
            points, n = points[::-1], [-k for k in n]
        for i in range(1, len(points) - 1):
            out.append([(points[0], n), (points[i], n), (points[i + 1], n)])

    def corner(signs, axis):
        """The corner's point on the face across `axis`."""
        return tuple(
            (high if signs[i] > 0 else low)[i] - (0 if i == axis else signs[i] * BEVEL) for i in range(3)
        )

    for axis in range(3):
        a, b = (axis + 1) % 3, (axis + 2) % 3
        for side in (-1, 1):
            ring = []
            for sa, sb in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
                signs = [0, 0, 0]
                signs[axis], signs[a], signs[b] = side, sa, sb
                ring.append(corner(signs, axis))
            face(ring)
        for sa in (-1, 1):
            for sb in (-1, 1):
                points = []
                for along, on in ((-1, a), (1, a), (1, b), (-1, b)):
                    signs = [0, 0, 0]
                    signs[axis], signs[a], signs[b] = along, sa, sb
                    points.append(corner(signs, on))
                face(points)
    for sx in (-1, 1):
        for sy in (-1, 1):
            for sz in (-1, 1):
                face([corner((sx, sy, sz), axis) for axis in range(3)])
    return out


def crate():
    x, z = LENGTH / 2, DEPTH / 2
    parts = []
    for sx in (-1, 1):
        for sz in (-1, 1):
            xs = sorted((sx * (x - BOARD), sx * (x - BOARD - 0.03)))
            zs = sorted((sz * (z - BOARD), sz * (z - BOARD - 0.03)))
            parts.append((xs[0], 0.0, zs[0], xs[1], HEIGHT, zs[1]))
    pitch = HEIGHT / SLATS
    for k in range(SLATS):
        y0, y1 = k * pitch + 0.008, (k + 1) * pitch - 0.008
        for s in (-1, 1):
            zs = sorted((s * z, s * (z - BOARD)))
            parts.append((-x, y0, zs[0], x, y1, zs[1]))
            # A grip on the short sides: the slat below the top one is left out.
            if k != SLATS - 2:
                xs = sorted((s * x, s * (x - BOARD)))
                parts.append((xs[0], y0, -z + BOARD, xs[1], y1, z - BOARD))
    parts.append((-x + BOARD, 0.01, -z + BOARD, x - BOARD, 0.01 + BOARD, z - BOARD))
    return [t for p in parts for t in board(*p)]


def main():
    index, vertices, indices = {}, [], []
    for triangle in crate():
        for position, normal in triangle:
            key = tuple(round(v, 6) for v in (*position, *normal))
            indices.append(index.setdefault(key, len(index)))
            if indices[-1] == len(vertices):
                vertices.append(key)
    positions = b"".join(struct.pack("<3f", *v[:3]) for v in vertices)
    normals = b"".join(struct.pack("<3f", *v[3:]) for v in vertices)
    elements = b"".join(struct.pack("<H", i) for i in indices)
    elements += b"\0" * (-len(elements) % 4)
    binary = positions + normals + elements
    bound = lambda f: [f(struct.unpack("<f", struct.pack("<f", v[i]))[0] for v in vertices) for i in range(3)]
    views = [
        {"buffer": 0, "byteOffset": 0, "byteLength": len(positions), "target": 34962},
        {"buffer": 0, "byteOffset": len(positions), "byteLength": len(normals), "target": 34962},
        {"buffer": 0, "byteOffset": len(positions) * 2, "byteLength": len(indices) * 2, "target": 34963},
    ]
    document = {
        "asset": {"version": "2.0", "generator": "bevy_chois make_crate.py"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": "crate"}],
        "meshes": [{"name": "crate", "primitives": [
            {"attributes": {"POSITION": 0, "NORMAL": 1}, "indices": 2, "material": 0}]}],
        "materials": [{"name": "pine", "pbrMetallicRoughness": {
            "baseColorFactor": [0.62, 0.43, 0.24, 1.0], "metallicFactor": 0.0, "roughnessFactor": 0.75}}],
        "buffers": [{"byteLength": len(binary)}],
        "bufferViews": views,
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": len(vertices), "type": "VEC3",
             "min": bound(min), "max": bound(max)},
            {"bufferView": 1, "componentType": 5126, "count": len(vertices), "type": "VEC3"},
            {"bufferView": 2, "componentType": 5123, "count": len(indices), "type": "SCALAR"},
        ],
    }
    text = json.dumps(document, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    total = 12 + 8 + len(text) + 8 + len(binary)
    out = pathlib.Path(__file__).resolve().parent.parent / "crate.glb"
    out.write_bytes(
        struct.pack("<4sII", b"glTF", 2, total)
        + struct.pack("<I4s", len(text), b"JSON") + text
        + struct.pack("<I4s", len(binary), b"BIN\0") + binary
    )
    print(f"{out.name}: {len(vertices)} vertices, {len(indices) // 3} triangles")


if __name__ == "__main__":
    main()
