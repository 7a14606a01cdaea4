"""Opens a .usda of `chois render` with Pixar's own library and compares it with the clip it was made of.

    pip install usd-core
    chois render assets/requests/errand.chois.ron --out DIR --format usda,bvh
    python tests/usd/check.py DIR/Ann.usda DIR/Ann.bvh

Joints are compared with those of the `.bvh` (centimetres, Y up); its angles have four digits, so a tenth of a millimetre is
what can be asked of both together. Needs no Blender.
"""

import sys

import numpy as np
from pxr import Usd, UsdGeom, UsdSkel, UsdShade, UsdUtils

stage = Usd.Stage.Open(sys.argv[1])
assert UsdGeom.GetStageUpAxis(stage) == "Z" and UsdGeom.GetStageMetersPerUnit(stage) == 1
person = UsdSkel.Root.Get(stage, "/World/Person")
cache = UsdSkel.Cache()
cache.Populate(person, Usd.PrimDefaultPredicate)
skeleton = UsdSkel.Skeleton.Get(stage, "/World/Person/Skeleton")
query = cache.GetSkelQuery(skeleton)
assert query and query.GetAnimQuery()
order = list(query.GetJointOrder())
bindings = cache.ComputeSkelBindings(person, Usd.PrimDefaultPredicate)
skins = sum(len(b.GetSkinningTargets()) for b in bindings)
frames = int(stage.GetEndTimeCode()) + 1
names = [path.split("/")[-1] for path in order]
got = np.zeros((frames, len(names), 3))
for f in range(frames):
    matrices = query.ComputeJointSkelTransforms(Usd.TimeCode(f))
    got[f] = [m.ExtractTranslation() for m in matrices]

lines = open(sys.argv[2]).read().split("\n")
joints, stack, channels = [], [], []
for i, line in enumerate(lines):
    word = line.split()
    if not word:
        continue
    if word[0] in ("ROOT", "JOINT", "End"):
        name = word[1] if word[0] != "End" else None
        joints.append([name, stack[-1] if stack else None, None, 0])
        stack.append(len(joints) - 1)
    elif word[0] == "OFFSET":
        joints[stack[-1]][2] = np.array([float(v) for v in word[1:4]])
    elif word[0] == "CHANNELS":
        joints[stack[-1]][3] = int(word[1])
    elif word[0] == "}":
        stack.pop()
    elif word[0] == "MOTION":
        break
count = int(lines[i + 1].split()[1])
rows = [np.array([float(v) for v in l.split()]) for l in lines[i + 3 : i + 3 + count]]
assert count == frames, (count, frames)


def turn(axis, degrees):
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    m = np.eye(3)
    a, b = [(1, 2), (2, 0), (0, 1)][axis]
    m[a, a], m[a, b], m[b, a], m[b, b] = c, -s, s, c
    return m


# Feet are kept over the floor in the skin, as in the .glb: legs bend otherwise than in the .bvh.
LEGS = {f"{side}_{joint}" for side in ("left", "right") for joint in ("knee", "ankle", "foot")}
worst = legs = 0.0
for f, row in enumerate(rows):
    at, k = [None] * len(joints), 0
    for j, (name, parent, offset, n) in enumerate(joints):
        if name is None:
            continue
        place = offset
        if n == 6:
            place, k = row[k : k + 3], k + 3
        m = turn(2, row[k]) @ turn(0, row[k + 1]) @ turn(1, row[k + 2])
        k += 3
        if parent is None:
            at[j] = (place, m)
        else:
            p, q = at[parent]
            at[j] = (p + q @ place, q @ m)
        x, y, z = at[j][0] / 100
        there = got[f][names.index(name)]
        # Y up to Z up.
        away = np.linalg.norm(there - np.array([x, -z, y]))
        if name in LEGS:
            legs = max(legs, away)
        else:
            worst = max(worst, away)

things = [p.GetName() for p in stage.GetPrimAtPath("/World").GetChildren() if p.GetTypeName() == "Xform"]
meshes = [p for p in stage.Traverse() if p.IsA(UsdGeom.Mesh)]
for mesh in meshes:
    ok, why = UsdGeom.Mesh.ValidateTopology(
        UsdGeom.Mesh(mesh).GetFaceVertexIndicesAttr().Get(),
        UsdGeom.Mesh(mesh).GetFaceVertexCountsAttr().Get(),
        len(UsdGeom.Mesh(mesh).GetPointsAttr().Get()),
    )
    assert ok, (mesh.GetPath(), why)
    material, _ = UsdShade.MaterialBindingAPI(mesh).ComputeBoundMaterial()
    assert material, mesh.GetPath()
checker = UsdUtils.ComplianceChecker() if hasattr(UsdUtils, "ComplianceChecker") else None
complaints = []
if checker:
    checker.CheckCompliance(sys.argv[1])
    complaints = checker.GetErrors() + checker.GetFailedChecks()
print(f"{frames} frames, {len(names)} joints, {skins} skins, objects {things}")
print(f"joints apart from the .bvh: {1000 * worst:.4f} mm at most; legs, bent over the floor, {1000 * legs:.1f} mm")
print(f"complaints of the compliance checker: {complaints}")
assert worst < 5e-5, worst
