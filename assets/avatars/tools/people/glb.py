"""Writes a skinned model as a binary glTF file."""

import json
import struct

import numpy as np

from .mesh import normals_of, triangles


def four(weights):
    """Four joints and weights in 255ths; weights sum to 255 exactly, unused slots are joint 0."""
    order = np.argsort(-weights, axis=1, kind="stable")[:, :4]
    weight = np.take_along_axis(weights, order, axis=1)
    weight = weight / weight.sum(axis=1, keepdims=True) * 255.0
    whole = np.floor(weight).astype(int)
    rest = np.argsort(np.argsort(-(weight - whole), axis=1, kind="stable"), axis=1, kind="stable")
    whole += rest < (255 - whole.sum(1))[:, None]
    return np.where(whole > 0, order, 0).astype(np.uint8), whole.astype(np.uint8)


def quaternion(r):
    """x, y, z, w of a rotation matrix."""
    k = np.array(
        [
            [r[0, 0] - r[1, 1] - r[2, 2], 0, 0, 0],
            [r[1, 0] + r[0, 1], r[1, 1] - r[0, 0] - r[2, 2], 0, 0],
            [r[2, 0] + r[0, 2], r[2, 1] + r[1, 2], r[2, 2] - r[0, 0] - r[1, 1], 0],
            [r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1], r.trace()],
        ]
    )
    values, vectors = np.linalg.eigh(k / 3)
    q = vectors[:, np.argmax(values)]
    return q if q[3] > 0 or (q[3] == 0 and q[0] > 0) else -q


def write(path, name, meshes, materials, rig, armature=None, copyright=None):
    """`meshes` with fields `weights` and `colour`; one primitive for each material. `armature` (scale, degrees about
    X) puts the joints under a node with that scale and rotation, as converters from FBX do; they stay where they are
    in the world."""
    blob, views, accessors = bytearray(), [], []

    def accessor(array, kind, component, target=None, **more):
        view = {"buffer": 0, "byteOffset": len(blob), "byteLength": array.nbytes}
        if target:
            view["target"] = target
        views.append(view)
        blob.extend(array.tobytes())
        blob.extend(bytes(-len(blob) % 4))
        accessors.append(
            {"bufferView": len(views) - 1, "componentType": component, "count": len(array), "type": kind} | more
        )
        return len(accessors) - 1

    primitives, used, triangle_count, vertex_count = [], [], 0, 0
    for material in materials:
        chosen = [m for m in meshes if m.material == material]
        if not chosen:
            continue
        base = np.cumsum([0] + [len(m.at) for m in chosen])
        faces = np.concatenate([triangles(m.faces) + b for m, b in zip(chosen, base)])
        position = np.concatenate([m.at for m in chosen]).astype("<f4")
        normal = np.concatenate([normals_of(m.at, m.faces) if m.normals is None else m.normals for m in chosen])
        colour = np.concatenate([m.fields["colour"] for m in chosen])
        colour = np.concatenate([np.clip(colour, 0, 1), np.ones((len(colour), 1))], axis=1)
        bones, weights = four(np.concatenate([m.fields["weights"] for m in chosen]))
        wide = len(position) > 65535
        normal = normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-20)
        primitives.append(
            {
                "attributes": {
                    "POSITION": accessor(
                        position, "VEC3", 5126, 34962, min=position.min(0).tolist(), max=position.max(0).tolist()
                    ),
                    "NORMAL": accessor(normal.astype("<f4"), "VEC3", 5126, 34962),
                    "COLOR_0": accessor(np.round(colour * 65535).astype("<u2"), "VEC4", 5123, 34962, normalized=True),
                    "JOINTS_0": accessor(bones, "VEC4", 5121, 34962),
                    "WEIGHTS_0": accessor(weights, "VEC4", 5121, 34962, normalized=True),
                },
                "indices": accessor(
                    faces.astype("<u4" if wide else "<u2").reshape(-1), "SCALAR", 5125 if wide else 5123, 34963
                ),
                "material": len(used),
            }
        )
        used.append({"name": material} | materials[material])
        triangle_count += len(faces)
        vertex_count += len(position)

    world = rig.rest
    inverse = np.linalg.inv(world)
    above = np.eye(4)
    if armature:
        scale, degrees = armature
        a = np.radians(degrees)
        turn = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
        above[:3, :3] = turn * scale
        # A joint's matrix in the world now holds the armature's scale; its inverse undoes that.
        inverse[:, :3] /= scale
    inverse[:, 3] = [0, 0, 0, 1]
    matrices = accessor(inverse.transpose(0, 2, 1).astype("<f4").reshape(-1, 16), "MAT4", 5126)
    nodes = []
    for k, bone in enumerate(rig.names):
        parent = world[rig.parents[k]] if rig.parents[k] >= 0 else above
        rotation = unscaled(parent).T @ world[k, :3, :3]
        offset = np.linalg.inv(parent) @ world[k, :, 3]
        if armature and rig.parents[k] >= 0:
            offset[:3] /= armature[0]
        node = {
            "name": bone,
            "translation": [round(float(x), 7) + 0.0 for x in offset[:3]],
            "rotation": [round(float(x), 8) + 0.0 for x in quaternion(rotation)],
        }
        children = [i for i in range(len(rig.names)) if rig.parents[i] == k]
        nodes.append(node | ({"children": children} if children else {}))
    roots = [k for k in range(len(rig.names)) if rig.parents[k] < 0]
    nodes.append({"name": name, "mesh": 0, "skin": 0})
    body = len(nodes) - 1
    if armature:
        nodes.append(
            {
                "name": "Armature",
                "children": roots,
                "scale": [armature[0]] * 3,
                "rotation": [round(float(x), 8) for x in quaternion(unscaled(above))],
            }
        )
        roots = [len(nodes) - 1]
    document = {
        "asset": {"version": "2.0", "generator": "make_people.py"} | ({"copyright": copyright} if copyright else {}),
        "scene": 0,
        "scenes": [{"name": name, "nodes": [*roots, body]}],
        "nodes": nodes,
        "meshes": [{"name": name, "primitives": primitives}],
        "skins": [
            {"name": name, "joints": list(range(len(rig.names))), "inverseBindMatrices": matrices, "skeleton": roots[0]}
        ],
        "materials": used,
        "accessors": accessors,
        "bufferViews": views,
        "buffers": [{"byteLength": len(blob)}],
    }
    text = json.dumps(document, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    with open(path, "wb") as file:
        file.write(struct.pack("<4sII", b"glTF", 2, 28 + len(text) + len(blob)))
        file.write(struct.pack("<I4s", len(text), b"JSON") + text)
        file.write(struct.pack("<I4s", len(blob), b"BIN\0") + blob)
    size = (28 + len(text) + len(blob)) / 1e6
    print(f"{path}: {vertex_count} vertices, {triangle_count} triangles, {len(rig.names)} joints, {size:.2f} MB")


def unscaled(matrix):
    """The rotation in a matrix whose scale is the same in all directions."""
    return matrix[:3, :3] / np.linalg.norm(matrix[:3, 0])
