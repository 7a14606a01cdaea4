"""Meshes as arrays: every vertex carries a place, a colour and skin weights, and all of them go through each step."""

import numpy as np

SNAP = 0.0016


class Mesh:
    """`at` (n, 3) metres; `faces` (m, 3 or 4); `fields` name -> (n, ...) values that subdividing and cutting carry."""

    def __init__(self, at, faces, fields, material, normals=None):
        self.at = np.asarray(at, float)
        self.faces = np.asarray(faces, int)
        self.fields = {k: np.asarray(v, float) for k, v in fields.items()}
        self.material = material
        self.normals = normals

    def select(self, faces):
        """The mesh of these faces only, without the vertices that are then unused."""
        used = np.unique(faces)
        place = np.full(len(self.at), -1)
        place[used] = np.arange(len(used))
        fields = {k: v[used] for k, v in self.fields.items()}
        normals = None if self.normals is None else self.normals[used]
        return Mesh(self.at[used], place[faces], fields, self.material, normals)

    def packed(self):
        """All values of a vertex in one row, and the function that takes such rows apart again."""
        names = list(self.fields)
        shapes = [self.fields[k].shape[1:] for k in names]
        sizes = [int(np.prod(s, dtype=int)) for s in shapes]

        def unpack(rows):
            cuts = np.cumsum([3, *sizes])
            parts = [rows[:, a:b] for a, b in zip(cuts[:-1], cuts[1:])]
            return rows[:, :3], {k: p.reshape(-1, *s) for k, p, s in zip(names, parts, shapes)}

        return np.concatenate([self.at] + [self.fields[k].reshape(len(self.at), -1) for k in names], axis=1), unpack


def triangles(faces):
    """Quads cut into triangles."""
    return faces if faces.shape[1] == 3 else np.concatenate([faces[:, [0, 1, 2]], faces[:, [0, 2, 3]]])


def edges_of(faces):
    """Undirected edges (e, 2), for each side of each face its edge, and the number of faces at each edge."""
    sides = np.stack([faces, np.roll(faces, -1, axis=1)], axis=2).reshape(-1, 2)
    edges, index, count = np.unique(np.sort(sides, axis=1), axis=0, return_inverse=True, return_counts=True)
    return edges, index.reshape(faces.shape), count


def subdivide(mesh):
    """One step of Catmull and Clark's subdivision; borders stay on their own curve."""
    rows, unpack = mesh.packed()
    n, f = len(rows), mesh.faces
    edges, index, count = edges_of(f)
    centre = rows[f].mean(1)
    middle = rows[edges].mean(1)
    around = np.zeros_like(middle)
    for k in range(f.shape[1]):
        np.add.at(around, index[:, k], centre)
    border = count == 1
    point = np.where(border[:, None], middle, (rows[edges].sum(1) + around) / 4)
    valence = np.bincount(f.reshape(-1), minlength=n).astype(float)
    faces_mean, edges_mean = np.zeros_like(rows), np.zeros_like(rows)
    for k in range(f.shape[1]):
        np.add.at(faces_mean, f[:, k], centre)
    edge_count = np.zeros(n)
    for k in range(2):
        np.add.at(edges_mean, edges[:, k], middle)
        np.add.at(edge_count, edges[:, k], 1)
    v = np.maximum(valence, 1)[:, None]
    moved = (faces_mean / v + 2 * edges_mean / np.maximum(edge_count, 1)[:, None] + (v - 3) * rows) / v
    rim_sum, rim_count = np.zeros_like(rows), np.zeros(n)
    for k in range(2):
        np.add.at(rim_sum, edges[border, k], middle[border])
        np.add.at(rim_count, edges[border, k], 1)
    on_rim = rim_count > 0
    moved[on_rim] = rows[on_rim] / 2 + rim_sum[on_rim] / rim_count[on_rim, None] / 2
    e, c = n, n + len(edges)
    quads = []
    for k in range(f.shape[1]):
        quads.append(np.stack([f[:, k], e + index[:, k], c + np.arange(len(f)), e + index[:, k - 1]], axis=1))
    at, fields = unpack(np.concatenate([moved, point, centre]))
    return Mesh(at, np.stack(quads, axis=1).reshape(-1, 4), fields, mesh.material)


def smooth(values, faces, times, strength=0.5, hold=None):
    """Laplacian smoothing of any values (n, k) on the mesh; vertices where `hold` is true keep theirs."""
    edges, _, count = edges_of(faces)
    degree = np.bincount(edges.reshape(-1), minlength=len(values)).astype(float)
    out = np.array(values, float)
    for _ in range(times):
        total = np.zeros_like(out)
        np.add.at(total, edges[:, 0], out[edges[:, 1]])
        np.add.at(total, edges[:, 1], out[edges[:, 0]])
        new = out + strength * (total / np.maximum(degree, 1)[:, None] - out)
        out = new if hold is None else np.where(hold[:, None], out, new)
    return out


def cut(mesh, value):
    """The part of the mesh where `value` (n) is positive, its border exactly where the value is zero."""
    rows, unpack = mesh.packed()
    f = triangles(mesh.faces)
    # Vertices all but on the line count as on it, else slivers arise.
    sign = np.where(np.abs(value) < SNAP, 0, np.sign(value)).astype(int)
    whole = f[(sign[f] >= 0).all(1) & (sign[f] > 0).any(1)]
    mixed = f[(sign[f] > 0).any(1) & (sign[f] < 0).any(1)]
    new, key = [], {}

    def crossing(a, b):
        pair = (min(a, b), max(a, b))
        if pair not in key:
            a, b = pair
            t = value[a] / (value[a] - value[b])
            key[pair] = len(rows) + len(new)
            new.append(rows[a] * (1 - t) + rows[b] * t)
        return key[pair]

    made = []
    for triangle in mixed.tolist():
        polygon = []
        for k in range(3):
            a, b = triangle[k], triangle[(k + 1) % 3]
            if sign[a] >= 0:
                polygon.append(a)
            if sign[a] * sign[b] < 0:
                polygon.append(crossing(a, b))
        made += [[polygon[0], polygon[k], polygon[k + 1]] for k in range(1, len(polygon) - 1)]
    at, fields = unpack(np.concatenate([rows, np.array(new).reshape(-1, rows.shape[1])]))
    faces = np.concatenate([whole, np.array(made, int).reshape(-1, 3)])
    out = Mesh(at, faces, fields, mesh.material).select(faces)
    sides = border(out.faces)
    for _ in range(3):
        total, count = np.zeros_like(out.at), np.zeros(len(out.at))
        for a, b in ((0, 1), (1, 0)):
            np.add.at(total, sides[:, a], out.at[sides[:, b]])
            np.add.at(count, sides[:, a], 1)
        on = count == 2
        out.at[on] = out.at[on] / 2 + total[on] / 4
    return out


def border(faces):
    """Directed sides that belong to one face only."""
    sides = np.stack([faces, np.roll(faces, -1, axis=1)], axis=2).reshape(-1, 2)
    _, index, count = edges_of(faces)
    return sides[count[index.reshape(-1)] == 1]


def normals_of(at, faces, weld=True):
    """Vertex normals, faces weighted by their angle; vertices at one place share one normal."""
    f = triangles(faces)
    same = np.arange(len(at))
    if weld:
        _, same = np.unique(np.round(at, 6), axis=0, return_inverse=True)
        same = same.reshape(-1)
    normals = np.zeros((same.max() + 1, 3))
    corners = at[f]
    face = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    face /= np.maximum(np.linalg.norm(face, axis=1, keepdims=True), 1e-20)
    for k in range(3):
        a = corners[:, (k + 1) % 3] - corners[:, k]
        b = corners[:, (k + 2) % 3] - corners[:, k]
        cosine = (a * b).sum(1) / np.maximum(np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1), 1e-20)
        np.add.at(normals, same[f[:, k]], face * np.arccos(np.clip(cosine, -1, 1))[:, None])
    return unit(normals[same])


def both(faces):
    """Faces to be seen from either side with the same normals: a lock of hair is as light from below as from above. A
    two-sided material turns the normals and darkens it."""
    return np.concatenate([faces, faces[:, ::-1]])


def unit(v):
    """Rows of length one."""
    return v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-20)


def smoothstep(low, high, x):
    """0 below `low`, 1 above `high`, smooth between; `low` may be the larger."""
    t = np.clip((x - low) / (high - low), 0.0, 1.0)
    return t * t * (3 - 2 * t)


def bump(x, middle, width):
    """A bell of height one."""
    return np.exp(-(((x - middle) / width) ** 2))


def noise(at, scale, seed):
    """Smooth noise in about [-1, 1] at places (n, 3): a few waves in fixed random directions, `scale` metres long."""
    random = np.random.Generator(np.random.PCG64(seed))
    total = np.zeros(len(at))
    for _ in range(7):
        direction = random.normal(size=3)
        direction /= np.linalg.norm(direction)
        total += np.sin(at @ direction * (2 * np.pi / scale * random.uniform(0.7, 1.6)) + random.uniform(0, 6.3))
    return total / 3.5
