"""Opens a .usda that has a track's own avatar with Pixar's own library, and compares it with the .glb of the same track.

    pip install usd-core
    chois render PROJECT.chois.ron --out DIR --format usda,glb
    python tests/usd/avatar.py DIR/Ann.usda DIR/Ann.glb

Joints are compared by name in every frame, and every tenth point of the skin, bent by either format's own rule, in some. Needs
no Blender.
"""

import json
import struct
import sys

import numpy as np
from pxr import Gf, Usd, UsdGeom, UsdShade, UsdSkel, UsdUtils, Vt

stage = Usd.Stage.Open(sys.argv[1])
assert UsdGeom.GetStageUpAxis(stage) == "Z" and UsdGeom.GetStageMetersPerUnit(stage) == 1
person = UsdSkel.Root.Get(stage, "/World/Person")
cache = UsdSkel.Cache()
cache.Populate(person, Usd.PrimDefaultPredicate)
skeleton = UsdSkel.Skeleton.Get(stage, "/World/Person/Skeleton")
query = cache.GetSkelQuery(skeleton)
assert query and query.GetAnimQuery()
order = [path.split("/")[-1] for path in query.GetJointOrder()]
frames = int(stage.GetEndTimeCode()) + 1

data = open(sys.argv[2], "rb").read()
size = struct.unpack("<I", data[12:16])[0]
doc = json.loads(data[20 : 20 + size])
blob = data[20 + size + 8 :]
KINDS = {5120: "i1", 5121: "u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}


def read(accessor):
    a = doc["accessors"][accessor]
    view = doc["bufferViews"][a["bufferView"]]
    kind, width = np.dtype(KINDS[a["componentType"]]), WIDTHS[a["type"]]
    start = view.get("byteOffset", 0) + a.get("byteOffset", 0)
    stride = view.get("byteStride", kind.itemsize * width)
    rows = [np.frombuffer(blob, kind, width, start + i * stride) for i in range(a["count"])]
    out = np.array(rows).astype(np.float64)
    return out / np.iinfo(kind).max if a.get("normalized") else out


def turn(q):
    x, y, z, w = q / np.linalg.norm(q)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


moving = {}
for channel in doc["animations"][0]["channels"]:
    sampler = doc["animations"][0]["samplers"][channel["sampler"]]
    key = (channel["target"]["node"], channel["target"]["path"])
    moving[key] = read(sampler["output"])


def world(f):
    out = {}

    def go(n, above):
        node = doc["nodes"][n]
        value = lambda path, default: moving[(n, path)][f] if (n, path) in moving else np.array(node.get(path, default))
        m = np.eye(4)
        if "matrix" in node:
            m = np.array(node["matrix"]).reshape(4, 4).T
        else:
            m[:3, :3] = turn(value("rotation", [0, 0, 0, 1.0])) * value("scale", [1.0, 1, 1])
            m[:3, 3] = value("translation", [0.0, 0, 0])
        out[n] = above @ m
        for child in node.get("children", []):
            go(child, out[n])

    for n in doc["scenes"][0]["nodes"]:
        go(n, np.eye(4))
    return out


STAND = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]])
plain = lambda name: "".join(c if c.isalnum() and c.isascii() else "_" for c in name)
names = {}
for i, node in enumerate(doc["nodes"]):
    names.setdefault(plain(node.get("name", "")), i)
xforms = UsdGeom.XformCache()
worst, skin = 0.0, 0.0
some = {0, frames // 3, frames // 2, frames - 1}
body = next(n for n in doc["nodes"] if "skin" in n)
inverse = read(doc["skins"][body["skin"]]["inverseBindMatrices"]).reshape(-1, 4, 4).transpose(0, 2, 1)
joints = doc["skins"][body["skin"]]["joints"]
parts = [p for p in person.GetPrim().GetChildren() if p.IsA(UsdGeom.Mesh)]
for f in range(frames):
    time = Usd.TimeCode(f)
    xforms.SetTime(time)
    stand = np.array(xforms.GetLocalToWorldTransform(skeleton.GetPrim()))
    there = world(f)
    for name, m in zip(order, query.ComputeJointSkelTransforms(time)):
        if name not in names:
            continue
        at = (np.array(list(m.ExtractTranslation()) + [1]) @ stand)[:3]
        worst = max(worst, np.linalg.norm(at - STAND @ there[names[name]][:3, 3]))
    if f not in some:
        continue
    bent = query.ComputeSkinningTransforms(time)
    for prim, primitive in zip(parts, doc["meshes"][body["mesh"]]["primitives"]):
        target = cache.GetSkinningQuery(prim)
        assert target, prim
        points = Vt.Vec3fArray(UsdGeom.Mesh(prim).GetPointsAttr().Get())
        assert target.ComputeSkinnedPoints(bent, points, time)
        got = (np.c_[np.array(points), np.ones(len(points))] @ stand)[::10, :3]
        own = primitive["attributes"]
        at, hang, weights = (read(own[k])[::10] for k in ("POSITION", "JOINTS_0", "WEIGHTS_0"))
        matrices = np.array([there[j] @ inverse[i] for i, j in enumerate(joints)])
        by = np.einsum("pk,pkab->pab", weights, matrices[hang.astype(int)])
        wanted = np.einsum("pab,pb->pa", by, np.c_[at, np.ones(len(at))])[:, :3] @ STAND.T
        skin = max(skin, np.linalg.norm(got - wanted, axis=1).max())

for prim in stage.Traverse():
    if prim.IsA(UsdGeom.Mesh):
        mesh = UsdGeom.Mesh(prim)
        ok, why = UsdGeom.Mesh.ValidateTopology(
            mesh.GetFaceVertexIndicesAttr().Get(), mesh.GetFaceVertexCountsAttr().Get(), len(mesh.GetPointsAttr().Get())
        )
        assert ok, (prim.GetPath(), why)
        material, _ = UsdShade.MaterialBindingAPI(prim).ComputeBoundMaterial()
        assert material and material.ComputeSurfaceSource()[0], prim.GetPath()
complaints = []
if hasattr(UsdUtils, "ComplianceChecker"):
    checker = UsdUtils.ComplianceChecker()
    checker.CheckCompliance(sys.argv[1])
    complaints = checker.GetErrors() + checker.GetFailedChecks()
print(f"{frames} frames, {len(order)} joints, {len(parts)} parts of the skin")
print(f"joints apart from the .glb: {1000 * worst:.4f} mm at most; points of the skin {1000 * skin:.4f} mm")
print(f"complaints of the compliance checker: {complaints}")
assert worst < 1e-3 and skin < 1e-3, (worst, skin)
