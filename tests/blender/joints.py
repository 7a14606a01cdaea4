"""Reopens what `chois render` or the panel wrote in Blender and compares joints with the motion clip and with the file.

    chois render project.chois.ron --out OUT --fps 24 --format glb,bvh,safetensors
    blender --background --factory-startup --python tests/blender/joints.py -- OUT/NAME 24 [5]

The last number, where there is one, has every fifth frame looked at only.

Prints the farthest that any joint is off in any frame, millimetres; ends with 1 where that is more than a millimetre:

- the .bvh's joints, and those of a .glb with the mannequin, from the clip (knees, ankles and toes of the .glb apart, which it
  keeps over the floor);
- every bone of a .glb, whoever's body it is, from where the file's own numbers put it, worked out here.
"""

import builtins
import json
import struct
import sys

import bpy
import numpy as np
from mathutils import Matrix, Quaternion, Vector

# Blender 3.4 asks for a name that numpy, and for a mode that Python has dropped since.
np.bool = bool
builtin_open = builtins.open
builtins.open = lambda file, mode="r", *rest, **more: builtin_open(file, mode.replace("U", ""), *rest, **more)

LIMIT = 1.0
NAMES = (
    "pelvis left_hip right_hip spine1 left_knee right_knee spine2 left_ankle right_ankle spine3 left_foot right_foot neck "
    "left_collar right_collar head left_shoulder right_shoulder left_elbow right_elbow left_wrist right_wrist"
).split()
LEGS = {"left_knee", "right_knee", "left_ankle", "right_ankle", "left_foot", "right_foot"}
WIDTHS = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}


def clip_joints(path):
    """Joints of a motion clip, T x 24 x 3, metres, Z up."""
    data = open(path, "rb").read()
    (length,) = struct.unpack("<Q", data[:8])
    entry = json.loads(data[8 : 8 + length])["joint_positions"]
    first, last = entry["data_offsets"]
    values = np.frombuffer(data[8 + length + first : 8 + length + last], "<f4")
    return values.reshape(entry["shape"])


def glb_bones(path, every):
    """Where a .glb's animation has the joints of its first skin: names, and T x J x 3, metres, Z up; in every so many frames."""
    data = open(path, "rb").read()
    (length,) = struct.unpack("<I", data[12:16])
    doc, blob = json.loads(data[20 : 20 + length]), data[28 + length :]

    def floats(accessor):
        accessor = doc["accessors"][accessor]
        view = doc["bufferViews"][accessor["bufferView"]]
        start = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
        width = WIDTHS[accessor["type"]]
        return np.frombuffer(blob, "<f4", accessor["count"] * width, start).reshape(-1, width)

    nodes = doc["nodes"]
    moves = {}
    count = 1
    for channel in doc["animations"][0]["channels"]:
        sampler = doc["animations"][0]["samplers"][channel["sampler"]]
        values = floats(sampler["output"])
        moves[channel["target"]["node"], channel["target"]["path"]] = values
        count = max(count, len(values))

    def own(node, frame):
        def value(path, rest):
            rows = moves.get((node, path))
            return rows[frame] if rows is not None else nodes[node].get(path, rest)

        if "matrix" in nodes[node]:
            return Matrix(np.array(nodes[node]["matrix"]).reshape(4, 4).T.tolist())
        x, y, z, w = (float(v) for v in value("rotation", (0, 0, 0, 1)))
        scale = Matrix.Diagonal(Vector([*map(float, value("scale", (1, 1, 1))), 1.0]))
        place = Vector([float(v) for v in value("translation", (0, 0, 0))])
        return Matrix.Translation(place) @ Quaternion((w, x, y, z)).to_matrix().to_4x4() @ scale

    joints = doc["skins"][0]["joints"]
    out = np.full((count, len(joints), 3), np.nan)
    for frame in range(0, count, every):
        world = {}
        open_ = [(n, Matrix()) for n in doc["scenes"][doc.get("scene", 0)]["nodes"]]
        while open_:
            node, above = open_.pop()
            world[node] = above @ own(node, frame)
            open_ += [(c, world[node]) for c in nodes[node].get("children", [])]
        for j, node in enumerate(joints):
            x, y, z = world[node].translation
            out[frame, j] = (x, -z, y)
    return [nodes[n]["name"] for n in joints], out


def imported(read, fps):
    """A fresh scene with one file in it; its armature."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.scene.render.fps = fps
    read()
    return next(o for o in bpy.context.scene.objects if o.type == "ARMATURE")


def compare(armature, joints, first, names, wanted, every):
    """The farthest that Blender's joints are from T x J x 3 places of `names`, millimetres."""
    worst = (0.0, "", 0)
    for frame in range(0, len(joints), every):
        bpy.context.scene.frame_set(first + frame)
        for name in wanted:
            bone = armature.pose.bones[name]
            place = armature.matrix_world @ bone.head
            off = float(np.linalg.norm(np.array(place) - joints[frame][names.index(name)])) * 1000.0
            worst = max(worst, (off, name, frame))
    return worst


def main():
    base, *rest = sys.argv[sys.argv.index("--") + 1 :]
    fps = int(rest[0]) if rest else 30
    every = int(rest[1]) if len(rest) > 1 else 1
    joints = clip_joints(base + ".safetensors")
    glb = imported(lambda: bpy.ops.import_scene.gltf(filepath=base + ".glb"), fps)
    start = int(glb.animation_data.action.frame_range[0])
    results = {}
    names, places = glb_bones(base + ".glb", every)
    assert len(places) == len(joints), f"{len(places)} frames in the .glb, {len(joints)} in the clip"
    results[f"glb, {len(names)} bones as the file has them"] = compare(glb, places, start, names, names, every)
    if set(NAMES) <= set(names) and len(names) == 52 and "avatar" not in {o.name for o in bpy.context.scene.objects}:
        kept = [n for n in NAMES if n not in LEGS]
        results["glb, as the clip has them"] = compare(glb, joints, start, NAMES, kept, every)
    bvh = imported(
        lambda: bpy.ops.import_anim.bvh(
            filepath=base + ".bvh",
            axis_forward="-Z",
            axis_up="Y",
            global_scale=0.01,
            frame_start=1,
            use_fps_scale=False,
            rotate_mode="NATIVE",
        ),
        fps,
    )
    results["bvh, as the clip has them"] = compare(bvh, joints, 1, NAMES, NAMES, every)
    for kind, (off, name, frame) in results.items():
        print(f"{kind}: {len(range(0, len(joints), every))} frames at {fps} a second, at most {off:.4f} mm off ({name}, frame {frame})")
    sys.exit(any(off > LIMIT for off, _, _ in results.values()))


main()
