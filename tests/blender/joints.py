"""Reopens what `chois render` wrote in Blender and compares joints with the motion clip.

    chois render project.chois.ron --out OUT --format glb,bvh,safetensors
    blender --background --factory-startup --python tests/blender/joints.py -- OUT/NAME

Prints the farthest that any joint is off in any frame, millimetres, for the .glb (ankles and toes apart, which the .glb
keeps over the floor) and for the .bvh; ends with 1 where that is more than a millimetre.
"""

import builtins
import json
import struct
import sys

import bpy
import numpy as np
from mathutils import Matrix

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


def clip_joints(path):
    """Joints of a motion clip, T x 24 x 3, metres, Z up."""
    data = open(path, "rb").read()
    (length,) = struct.unpack("<Q", data[:8])
    entry = json.loads(data[8 : 8 + length])["joint_positions"]
    first, last = entry["data_offsets"]
    values = np.frombuffer(data[8 + length + first : 8 + length + last], "<f4")
    return values.reshape(entry["shape"])


def imported(read):
    """A fresh scene at 30 frames a second with one file in it; its armature."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.scene.render.fps = 30
    read()
    return next(o for o in bpy.context.scene.objects if o.type == "ARMATURE")


def compare(armature, joints, first, names):
    """The farthest that Blender's joints are from the clip's, millimetres."""
    worst = (0.0, "", 0)
    for frame in range(len(joints)):
        bpy.context.scene.frame_set(first + frame)
        for name in names:
            bone = armature.pose.bones[name]
            place = armature.matrix_world @ bone.head
            off = float(np.linalg.norm(np.array(place) - joints[frame][NAMES.index(name)])) * 1000.0
            worst = max(worst, (off, name, frame))
    return worst


def main():
    base = sys.argv[sys.argv.index("--") + 1]
    joints = clip_joints(base + ".safetensors")
    glb = imported(lambda: bpy.ops.import_scene.gltf(filepath=base + ".glb"))
    start = int(glb.animation_data.action.frame_range[0])
    results = {"glb": compare(glb, joints, start, [n for n in NAMES if n not in LEGS])}
    bvh = imported(
        lambda: bpy.ops.import_anim.bvh(
            filepath=base + ".bvh",
            axis_forward="-Z",
            axis_up="Y",
            global_scale=0.01,
            frame_start=1,
            use_fps_scale=False,
            rotate_mode="NATIVE",
        )
    )
    results["bvh"] = compare(bvh, joints, 1, NAMES)
    for kind, (off, name, frame) in results.items():
        print(f"{kind}: {len(joints)} frames, at most {off:.3f} mm off ({name}, frame {frame})")
    sys.exit(any(off > LIMIT for off, _, _ in results.values()))


main()
