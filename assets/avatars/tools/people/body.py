"""Reads MakeHuman's base mesh, its morphs and its rigs, as they lie in the `mpfb2` data folder."""

import gzip
import itertools
import json
import pathlib

import numpy as np

# Parts of the base mesh: the body's own vertices come first, then the helpers.
BODY_VERTICES = 13380


class Data:
    """The base mesh (decimetres, Y up, facing +Z) and its files."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.at, self.uv, self.faces, self.face_uv = [], [], {}, {}
        group = None
        with open(self.folder / "3dobjs/base.obj") as lines:
            for line in lines:
                word = line.split()
                if not word:
                    continue
                if word[0] == "v":
                    self.at.append([float(x) for x in word[1:4]])
                elif word[0] == "vt":
                    self.uv.append([float(x) for x in word[1:3]])
                elif word[0] == "g":
                    group = word[1]
                elif word[0] == "f":
                    corners = [[int(x) - 1 for x in c.split("/")[:2]] for c in word[1:]]
                    self.faces.setdefault(group, []).append([c[0] for c in corners])
                    self.face_uv.setdefault(group, []).append([c[1] for c in corners])
        self.at, self.uv = np.array(self.at), np.array(self.uv)
        self.faces = {k: np.array(v) for k, v in self.faces.items()}
        self.face_uv = {k: np.array(v) for k, v in self.face_uv.items()}

    def morph(self, name):
        """The displacement of every vertex, decimetres."""
        out = np.zeros_like(self.at)
        with gzip.open(self.folder / "targets" / f"{name}.target.gz", "rt") as lines:
            for line in lines:
                word = line.split()
                if len(word) == 4 and not word[0].startswith("#"):
                    out[int(word[0])] = [float(x) for x in word[1:]]
        return out

    def joint(self, at, name):
        """The middle of a joint's cube."""
        return at[np.unique(self.faces[f"joint-{name}"])].mean(0)

    def body_uv(self):
        """One texture place for each vertex of the body (at seams: one of them)."""
        out = np.zeros((len(self.at), 2))
        out[self.faces["body"].reshape(-1)] = self.uv[self.face_uv["body"].reshape(-1)]
        return out

    def weights(self, rig):
        """Bone names and dense weights (vertices, bones) of a rig, each row summing to one."""
        table = json.loads((self.folder / f"rigs/standard/weights.{rig}.json").read_text())["weights"]
        names = list(json.loads((self.folder / f"rigs/standard/rig.{rig}.json").read_text()).get("bones", table))
        dense = np.zeros((len(self.at), len(names)))
        for k, name in enumerate(names):
            for vertex, weight in table[name]:
                dense[vertex, k] += weight
        return names, dense / np.maximum(dense.sum(1, keepdims=True), 1e-9)


def shape(data, person):
    """The vertices of a person in metres, soles at y = 0, as tall as `person["height"]` says."""
    kinds = [person["race"], person["sex"], person["age"], person["muscle"], person["weight"]]
    at = data.at.copy()
    for race, sex, age in itertools.product(*kinds[:3]):
        at += data.morph(f"macrodetails/{race}-{sex}-{age}") * kinds[0][race] * kinds[1][sex] * kinds[2][age]
    tall = np.zeros_like(at)
    for sex, age, muscle, weight in itertools.product(*kinds[1:]):
        share = kinds[1][sex] * kinds[2][age] * kinds[3][muscle] * kinds[4][weight]
        at += data.morph(f"macrodetails/universal-{sex}-{age}-{muscle}muscle-{weight}weight") * share
        name = f"{sex}-{age}-{muscle}muscle-{weight}weight"
        at += data.morph(f"macrodetails/proportions/{name}-idealproportions") * share * person.get("ideal", 0.0)
        end = "max" if person["tall"] > 0 else "min"
        tall += data.morph(f"macrodetails/height/{name}-{end}height") * share * abs(person["tall"])
    at += tall
    for name, amount in person.get("details", {}).items():
        for side in ("l-", "r-") if "/*" in name else ("",):
            at += data.morph(name.replace("/*", "/" + side)) * amount
    body = at[:BODY_VERTICES]
    scale = person["height"] / (body[:, 1].max() - body[:, 1].min())
    at[:, 1] -= body[:, 1].min()
    return at * scale, scale
