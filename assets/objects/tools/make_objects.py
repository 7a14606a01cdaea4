#!/usr/bin/env python3
"""Writes the furniture beside this folder: python3 make_objects.py [name ...]. Needs numpy; the same bytes every time.

Prints each object's size, triangles and bytes, and refuses a part whose surface is open or inside out.
"""
import pathlib
import sys

from furniture import devices, movable, room, standing
from furniture.glb import Document
from furniture.occlusion import shade
from furniture.shape import bounds, open_edges, volume

# Surfaces that close only together with a neighbour of another material.
SHARED = {"linen", "lining"}
# Large flat things have no vertices where shade would lie.
BARE = {"rug", "floor", "ceiling"}
# Folder of assets, file name, shapes.
OBJECTS = {
    "objects": {
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
    },
    "rooms": {
        "sofa": standing.sofa,
        "shelf": standing.shelf,
        "rug": standing.rug,
        "plant": standing.plant,
        "floor": room.floor,
        "wall_window": room.wall_window,
        "wall_door": room.wall_door,
        "wall_plain": room.wall_plain,
        "wall_long": room.wall_long,
        "ceiling": room.ceiling,
    },
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
    assets = pathlib.Path(__file__).resolve().parents[2]
    asked = sys.argv[1:]
    unknown = set(asked) - {name for names in OBJECTS.values() for name in names}
    if unknown:
        raise SystemExit(f"nothing is called {', '.join(sorted(unknown))}; known: "
                         + ", ".join(name for names in OBJECTS.values() for name in names))
    for folder, names in OBJECTS.items():
        (assets / folder).mkdir(exist_ok=True)
        for name in asked or names:
            if name not in names:
                continue
            shapes = names[name]()
            check(name, shapes)
            if name not in BARE:
                shade(shapes, folder == "rooms")
            document = Document()
            document.node(name, shapes)
            data = document.bytes()
            (assets / folder / f"{name}.glb").write_bytes(data)
            low, high = bounds(shapes)
            size = " x ".join(f"{v:.2f}" for v in high - low)
            print(f"{folder}/{name}.glb: {size} m, lowest {low[1]:+.4f}, {document.triangles} triangles, "
                  f"{len(data)} bytes, {', '.join(m['name'] for m in document.materials)}")


if __name__ == "__main__":
    main()
