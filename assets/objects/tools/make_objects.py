#!/usr/bin/env python3
"""Writes the furniture beside this folder: python3 make_objects.py [name ...]. Needs numpy; the same bytes every time.

Prints each object's size, triangles and bytes, and refuses a part whose surface is open or inside out.
"""
import pathlib
import sys

from furniture import devices, movable
from furniture.glb import Document
from furniture.shape import bounds, open_edges, volume

# Surfaces that close only together with a neighbour of another material.
SHARED = {"linen", "lining"}
OBJECTS = {
    "floor_lamp": movable.floor_lamp,
    "box": movable.carton,
    "table": movable.table,
    "chair": movable.chair,
    "suitcase": movable.suitcase,
    "monitor": devices.monitor,
    "bin": devices.waste_bin,
    "tripod": devices.tripod,
    "clothes_stand": devices.clothes_stand,
    "stool": devices.stool,
    "storage_box": devices.storage_box,
}


def check(name, shapes):
    for i, s in enumerate(shapes):
        if s.material in SHARED:
            continue
        if open_edges(s):
            raise SystemExit(f"{name}: part {i} ({s.material}) has {open_edges(s)} open edges")
        if volume(s) <= 0:
            raise SystemExit(f"{name}: part {i} ({s.material}) is inside out")


def main():
    folder = pathlib.Path(__file__).resolve().parent.parent
    names = sys.argv[1:] or list(OBJECTS)
    for name in names:
        made = OBJECTS[name]()
        nodes = made if isinstance(made, dict) else {name: made}
        document = Document()
        for node, shapes in nodes.items():
            check(node, shapes)
            document.node(node, shapes)
        data = document.bytes()
        (folder / f"{name}.glb").write_bytes(data)
        low, high = bounds([s for shapes in nodes.values() for s in shapes])
        size = " x ".join(f"{v:.2f}" for v in high - low)
        print(f"{name}.glb: {size} m, lowest {low[1]:+.4f}, {document.triangles} triangles, {len(data)} bytes, "
              f"{', '.join(m['name'] for m in document.materials)}")


if __name__ == "__main__":
    main()
