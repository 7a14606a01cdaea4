"""Writes shapes as binary glTF 2.0: the same bytes for the same shapes."""
import json
import struct

import numpy as np

from .material import MATERIALS


def tangents(p, n, uv, t):
    """Unit tangents along u with the sign of the bitangent, for normal maps."""
    a, b, c = (t[:, k] for k in range(3))
    e, f = p[b] - p[a], p[c] - p[a]
    du, dv = uv[b] - uv[a], uv[c] - uv[a]
    area = du[:, 0] * dv[:, 1] - du[:, 1] * dv[:, 0]
    weight = np.where(np.abs(area) > 1e-14, np.sign(area), 0)[:, None]
    along = (e * dv[:, 1:] - f * du[:, 1:]) * weight
    across = (f * du[:, :1] - e * dv[:, :1]) * weight
    u, v = np.zeros_like(p), np.zeros_like(p)
    for k in (a, b, c):
        np.add.at(u, k, along)
        np.add.at(v, k, across)
    u -= n * (u * n).sum(1, keepdims=True)
    size = np.linalg.norm(u, axis=1, keepdims=True)
    # Where the pictures' coordinates say nothing, any direction in the surface.
    spare = np.cross(n, np.where(np.abs(n[:, :1]) < 0.9, [[1.0, 0, 0]], [[0, 1.0, 0]]))
    spare /= np.linalg.norm(spare, axis=1, keepdims=True)
    u = np.where(size > 1e-9, u / np.maximum(size, 1e-9), spare)
    # glTF's v runs down: the bitangent cross(n, t) * w points up the picture, against v.
    sign = np.where((np.cross(n, u) * v).sum(1) > 0, -1.0, 1.0)
    return np.concatenate([u, sign[:, None]], 1)


class Document:
    def __init__(self):
        self.binary, self.views, self.accessors = bytearray(), [], []
        self.images, self.textures, self.materials, self.meshes, self.nodes = [], [], [], [], []
        self.known, self.triangles = {}, 0

    def view(self, data, target=None):
        self.binary += b"\0" * (-len(self.binary) % 4)
        view = {"buffer": 0, "byteOffset": len(self.binary), "byteLength": len(data)}
        if target:
            view["target"] = target
        self.views.append(view)
        self.binary += data
        return len(self.views) - 1

    def accessor(self, array, kind, component, target, **more):
        self.accessors.append({"bufferView": self.view(array.tobytes(), target), "componentType": component,
                               "count": len(array) if kind != "SCALAR" else array.size, "type": kind, **more})
        return len(self.accessors) - 1

    def texture(self, data):
        if data not in self.known:
            self.images.append({"bufferView": self.view(data), "mimeType": "image/png"})
            self.textures.append({"source": len(self.images) - 1, "sampler": 0})
            self.known[data] = len(self.textures) - 1
        return {"index": self.known[data]}

    def material(self, name):
        if name in self.known:
            return self.known[name]
        m = MATERIALS[name]
        short = lambda values: [round(float(v), 4) for v in values]
        pbr = {"baseColorFactor": short(m["colour"]), "metallicFactor": m["metallic"], "roughnessFactor": m["roughness"]}
        entry = {"name": name, "pbrMetallicRoughness": pbr}
        if "picture" in m:
            pbr["baseColorTexture"] = self.texture(m["picture"]())
        if "normal" in m:
            entry["normalTexture"] = self.texture(m["normal"]())
        if "glow" in m:
            strength = max(1.0, max(m["glow"]))
            entry["emissiveFactor"] = short(v / strength for v in m["glow"])
            if strength > 1:
                entry["extensions"] = {"KHR_materials_emissive_strength": {"emissiveStrength": round(strength, 4)}}
        self.materials.append(entry)
        self.known[name] = len(self.materials) - 1
        return self.known[name]

    def node(self, name, shapes, translation=None):
        """One rigid node: a primitive for each material, in the order of first use."""
        groups = {}
        for s in shapes:
            groups.setdefault(s.material, []).append(s)
        primitives = [self.primitive(material, parts) for material, parts in groups.items()]
        self.meshes.append({"name": name, "primitives": primitives})
        node = {"mesh": len(self.meshes) - 1, "name": name}
        if translation is not None:
            node["translation"] = [round(float(v), 5) for v in translation]
        self.nodes.append(node)

    def primitive(self, material, parts):
        look = MATERIALS[material]
        base = np.cumsum([0] + [len(s.p) for s in parts])
        p, n, uv = (np.concatenate([getattr(s, key) for s in parts]) for key in ("p", "n", "uv"))
        t = np.concatenate([s.t + b for s, b in zip(parts, base)])
        columns = [np.round(p, 5), np.round(n, 3)]
        has_uv, has_tangent = "picture" in look, "normal" in look
        has_tint = any(s.tint is not None for s in parts)
        if has_uv:
            uv = uv / look["metres"]
            columns.append(np.round(uv, 4))
        if has_tangent:
            columns.append(np.round(tangents(p, n, uv, t), 3))
        if has_tint:
            tint = np.concatenate([np.ones((len(s.p), 3)) if s.tint is None else s.tint for s in parts])
            columns.append(np.round(np.clip(tint, 0, 1) * 255) / 255)
        # Equal vertices once, in the order of their first use.
        table = np.concatenate(columns, 1) + 0.0
        _, first, inverse = np.unique(table, axis=0, return_index=True, return_inverse=True)
        order = np.argsort(first, kind="stable")
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order))
        t = rank[inverse.reshape(-1)][t]
        a, b, c = t.T
        t = t[(a != b) & (b != c) & (c != a)]
        keep = np.sort(first)
        f4 = lambda array: array[keep].astype("<f4")
        position = f4(columns[0])
        unit = f4(columns[1])
        unit /= np.linalg.norm(unit, axis=1, keepdims=True)
        bound = lambda f: [float(v) for v in f(position, axis=0)]
        attributes = {"POSITION": self.accessor(position, "VEC3", 5126, 34962, min=bound(np.min), max=bound(np.max)),
                      "NORMAL": self.accessor(unit, "VEC3", 5126, 34962)}
        at = 2
        if has_uv:
            attributes["TEXCOORD_0"] = self.accessor(f4(columns[at]), "VEC2", 5126, 34962)
            at += 1
        if has_tangent:
            along = f4(columns[at])
            along[:, :3] /= np.linalg.norm(along[:, :3], axis=1, keepdims=True)
            attributes["TANGENT"] = self.accessor(along, "VEC4", 5126, 34962)
            at += 1
        if has_tint:
            rgba = np.full((len(keep), 4), 255, np.uint8)
            rgba[:, :3] = np.round(columns[at][keep] * 255)
            attributes["COLOR_0"] = self.accessor(rgba, "VEC4", 5121, 34962, normalized=True)
        self.triangles += len(t)
        small = len(keep) < 65535
        indices = self.accessor(t.astype("<u2" if small else "<u4").reshape(-1), "SCALAR", 5123 if small else 5125, 34963)
        return {"attributes": attributes, "indices": indices, "material": self.material(material)}

    def bytes(self):
        self.binary += b"\0" * (-len(self.binary) % 4)
        root = {
            "asset": {"version": "2.0", "generator": "bevy_chois make_objects.py",
                      "copyright": "bevy_chois, MIT OR Apache-2.0"},
            "scene": 0, "scenes": [{"nodes": list(range(len(self.nodes)))}],
            "nodes": self.nodes, "meshes": self.meshes, "materials": self.materials,
            "buffers": [{"byteLength": len(self.binary)}], "bufferViews": self.views, "accessors": self.accessors,
        }
        if self.images:
            root |= {"images": self.images, "textures": self.textures, "samplers": [
                {"magFilter": 9729, "minFilter": 9987, "wrapS": 10497, "wrapT": 10497}]}
        if any("extensions" in m for m in self.materials):
            root["extensionsUsed"] = ["KHR_materials_emissive_strength"]
        text = json.dumps(root, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 4)
        total = 12 + 8 + len(text) + 8 + len(self.binary)
        return (struct.pack("<4sII", b"glTF", 2, total) + struct.pack("<I4s", len(text), b"JSON") + text
                + struct.pack("<I4s", len(self.binary), b"BIN\0") + bytes(self.binary))
