"""Makes assets/avatars/mannequin.glb from the wooden figure of the Python package mannequin-x 0.3.0 (Apache-2.0).

    python3 -m venv venv && venv/bin/pip install mannequin-x==0.3.0
    venv/bin/python make_mannequin.py ../mannequin.glb

The figure stands in its T-pose on y = 0, Y up, facing +Z, metres; 52 joints (22 of SMPL, 15 in each hand), rotations
of the rest pose all identity, at most four weights a vertex. The same input gives the same bytes.
"""

import json
import struct
import sys

import numpy as np
from mannequin import Mannequin

BODY = [
    "pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2", "left_ankle", "right_ankle",
    "spine3", "left_foot", "right_foot", "neck", "left_collar", "right_collar", "head", "left_shoulder",
    "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist",
]
SHOULDER_BALL = 1.2
MATERIALS = [
    ("wood", [0.50, 0.26, 0.10, 1.0], 0.62),
    ("joints", [0.13, 0.065, 0.03, 1.0], 0.5),
]


def smpl_name(name):
    """L_Index1 -> left_index1."""
    side, _, rest = name.partition("_")
    return (f"{ {'L': 'left', 'R': 'right'}[side] }_{rest}" if rest else name).lower()


def joints_of(model):
    """Names, parents, positions, and for each joint of the source its place in the new list."""
    source = [smpl_name(n) for n in model.joint_names]
    names = BODY + [n for n in source if n not in BODY and not n.endswith("_hand")]
    positions = model.joint_transforms(model.rest_pose())[:, :3, 3].astype(np.float64)
    # The package adds joints of no length at the wrists; the wrists take their place.
    stands_for = [n.replace("_hand", "_wrist") for n in source]
    new_index = np.array([names.index(n) for n in stands_for])
    at = [source.index(n) for n in names]
    parents = [new_index[model.parents[a]] if model.parents[a] >= 0 else -1 for a in at]
    return names, parents, positions[at], new_index


def weights_of(model, new_index, names, vertices):
    """Dense weights, vertices x joints."""
    dense = np.zeros((len(vertices), len(names)))
    np.add.at(dense, (np.arange(len(vertices))[:, None], new_index[model._skin_joint_indices]), model._skin_weights)
    # The abdomen is one stiff ring in the source and gapes when the back bends. Here it is elastic: its lower rim
    # moves with the pelvis, its upper rim with the chest.
    ring = dense[:, names.index("spine1")] > 0.99
    t = vertices[ring, 1]
    t = (t - t.min()) / (t.max() - t.min()) * 3.0
    dense[ring] = 0.0
    for k, name in enumerate(("pelvis", "spine1", "spine2", "spine3")):
        dense[ring, names.index(name)] = np.clip(1.0 - np.abs(t - k), 0.0, 1.0)
    return dense


def level_soles(vertices, dense, names):
    """The source stands on the balls of its feet, the heels 5 mm up; a shear along the foot sets the heels down."""
    for side in ("left", "right"):
        weight = dense[:, names.index(f"{side}_ankle")] + dense[:, names.index(f"{side}_foot")]
        whole = vertices[weight > 0.99]
        middle = (whole[:, 2].min() + whole[:, 2].max()) / 2
        heel, ball = (whole[part][whole[part, 1].argmin()] for part in (whole[:, 2] < middle, whole[:, 2] >= middle))
        slope = (heel[1] - ball[1]) / (ball[2] - heel[2])
        vertices[:, 1] -= weight * slope * (ball[2] - vertices[:, 2])


def fill_shoulders(model, vertices):
    """The balls of the shoulders leave their sockets hollow when the arms hang; larger ones fill them."""
    source = model._weights
    for name, start, count in zip(source.skin_part_names, source.skin_part_vertex_starts, source.skin_part_vertex_counts):
        if name in ("joint_L3", "joint_R3"):
            ball = vertices[start : start + count]
            middle = (ball.min(0) + ball.max(0)) / 2
            vertices[start : start + count] = middle + (ball - middle) * SHOULDER_BALL


def four_bytes(dense):
    """Four joints and weights in 255ths; weights sum to 255 exactly, unused slots are joint 0."""
    order = np.argsort(-dense, axis=1, kind="stable")[:, :4]
    weight = np.take_along_axis(dense, order, axis=1)
    weight = weight / weight.sum(axis=1, keepdims=True) * 255.0
    whole = np.floor(weight).astype(int)
    for row, part, exact in zip(range(len(whole)), whole, weight):
        for k in np.argsort(-(exact - part), kind="stable")[: 255 - part.sum()]:
            whole[row, k] += 1
    order = np.where(whole > 0, order, 0)
    return order.astype(np.uint8), whole.astype(np.uint8)


def normals_of(vertices, faces):
    """Vertex normals, faces weighted by their angle."""
    normals = np.zeros_like(vertices)
    corners = vertices[faces]
    face = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    face /= np.maximum(np.linalg.norm(face, axis=1, keepdims=True), 1e-20)
    for k in range(3):
        a = corners[:, (k + 1) % 3] - corners[:, k]
        b = corners[:, (k + 2) % 3] - corners[:, k]
        cosine = (a * b).sum(1) / np.maximum(np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1), 1e-20)
        np.add.at(normals, faces[:, k], face * np.arccos(np.clip(cosine, -1, 1))[:, None])
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-20)


def main(out):
    model = Mannequin("wooden", flat_hand_mean=True)
    names, parents, joints, new_index = joints_of(model)
    vertices = model.vertices(model.rest_pose()).astype(np.float64)
    dense = weights_of(model, new_index, names, vertices)
    level_soles(vertices, dense, names)
    fill_shoulders(model, vertices)
    floor = vertices[:, 1].min()
    vertices[:, 1] -= floor
    joints[:, 1] -= floor
    normals = normals_of(vertices, model.faces)
    bones, weights = four_bytes(dense)

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

    source = model._weights
    balls = np.zeros(len(vertices), bool)
    parts = zip(source.skin_part_names, source.skin_part_vertex_starts, source.skin_part_vertex_counts)
    for name, start, count in parts:
        balls[start : start + count] = name.startswith("joint")
    primitives = []
    for material, chosen in enumerate((~balls, balls)):
        place = np.cumsum(chosen) - 1
        faces = model.faces[chosen[model.faces].all(axis=1)]
        position = vertices[chosen].astype("<f4")
        bounds = {"min": position.min(0).tolist(), "max": position.max(0).tolist()}
        primitives.append({
            "attributes": {
                "POSITION": accessor(position, "VEC3", 5126, 34962, **bounds),
                "NORMAL": accessor(normals[chosen].astype("<f4"), "VEC3", 5126, 34962),
                "JOINTS_0": accessor(bones[chosen], "VEC4", 5121, 34962),
                "WEIGHTS_0": accessor(weights[chosen], "VEC4", 5121, 34962, normalized=True),
            },
            "indices": accessor(place[faces].astype("<u2").reshape(-1), "SCALAR", 5123, 34963),
            "material": material,
        })
    inverse = np.tile(np.eye(4), (len(names), 1, 1))
    inverse[:, 3, :3] = -joints  # column-major
    inverse = accessor(inverse.astype("<f4").reshape(-1, 16), "MAT4", 5126)

    nodes = []
    for j, name in enumerate(names):
        offset = joints[j] - (joints[parents[j]] if parents[j] >= 0 else 0)
        node = {"name": name, "translation": [round(float(x), 7) for x in offset]}
        children = [k for k in range(len(names)) if parents[k] == j]
        nodes.append(node | ({"children": children} if children else {}))
    nodes.append({"name": "mannequin", "mesh": 0, "skin": 0})
    document = {
        "asset": {
            "version": "2.0",
            "generator": "make_mannequin.py",
            "copyright": "mannequin-x 0.3.0, Andrea Boscolo Camiletto, Apache-2.0; modified",
        },
        "scene": 0,
        "scenes": [{"name": "mannequin", "nodes": [0, len(names)]}],
        "nodes": nodes,
        "meshes": [{"name": "mannequin", "primitives": primitives}],
        "skins": [{"name": "mannequin", "joints": list(range(len(names))), "inverseBindMatrices": inverse, "skeleton": 0}],
        "materials": [
            {"name": n, "pbrMetallicRoughness": {"baseColorFactor": c, "metallicFactor": 0.0, "roughnessFactor": r}}
            for n, c, r in MATERIALS
        ],
        "accessors": accessors,
        "bufferViews": views,
        "buffers": [{"byteLength": len(blob)}],
    }
    text = json.dumps(document, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    with open(out, "wb") as file:
        file.write(struct.pack("<4sII", b"glTF", 2, 28 + len(text) + len(blob)))
        file.write(struct.pack("<I4s", len(text), b"JSON") + text)
        file.write(struct.pack("<I4s", len(blob), b"BIN\0") + blob)


if __name__ == "__main__":
    main(sys.argv[1])
