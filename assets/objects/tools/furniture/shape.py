"""A closed surface made of triangles, and what can be done to it."""
import numpy as np


class Shape:
    """Vertices with unit normals `n` and surface coordinates `uv` in metres; triangles `t` counter-clockwise seen from
    outside. `material` names an entry of `material.MATERIALS`; `tint` multiplies its colour (linear, per vertex)."""

    def __init__(self, p, n, uv, t, material=None, tint=None):
        self.p = np.asarray(p, float).reshape(-1, 3)
        self.n = np.asarray(n, float).reshape(-1, 3)
        self.uv = np.asarray(uv, float).reshape(-1, 2)
        self.t = np.asarray(t, int).reshape(-1, 3)
        self.material, self.tint = material, tint

    def like(self, p, n=None, uv=None, t=None):
        return Shape(p, self.n if n is None else n, self.uv if uv is None else uv,
                     self.t if t is None else t, self.material, self.tint)

    def of(self, material, tint=None):
        """The same surface of another material. `tint`: one linear RGB or one for each vertex."""
        out = self.like(self.p)
        out.material = material
        out.tint = None if tint is None else np.broadcast_to(np.asarray(tint, float), (len(self.p), 3)).copy()
        return out

    def at(self, x=0.0, y=0.0, z=0.0):
        return self.like(self.p + (x, y, z))

    def turned(self, axis, degrees):
        """Turned about a coordinate axis through the origin, by the right-hand rule."""
        a, b = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
        m = np.eye(3)
        c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        m[a, a], m[a, b], m[b, a], m[b, b] = c, -s, s, c
        return self.like(self.p @ m.T, self.n @ m.T)

    def mirrored(self, axis):
        m = np.ones(3)
        m["xyz".index(axis)] = -1
        return self.like(self.p * m, self.n * m, t=self.t[:, ::-1])

    def shifted_uv(self, u, v):
        return self.like(self.p, uv=self.uv + (u, v))

    def turned_uv(self):
        """Surface coordinates swapped: the grain runs the other way."""
        return self.like(self.p, uv=self.uv[:, ::-1])

    def deformed(self, f):
        """Every point `p` moved to `f(p)`, a smooth function of an array of points; normals follow."""
        step = 1e-5
        columns = []
        for axis in range(3):
            d = np.zeros(3)
            d[axis] = step
            columns.append((f(self.p + d) - f(self.p - d)) / (2 * step))
        a, b, c = columns
        # The cofactor matrix of the Jacobian carries normals.
        n = (np.cross(b, c) * self.n[:, :1] + np.cross(c, a) * self.n[:, 1:2] + np.cross(a, b) * self.n[:, 2:])
        n /= np.linalg.norm(n, axis=1, keepdims=True)
        return self.like(f(self.p), n)

    def bounds(self):
        return self.p.min(0), self.p.max(0)


def bounds(shapes):
    p = np.concatenate([s.p for s in shapes])
    return p.min(0), p.max(0)


def open_edges(shape):
    """How many edges do not join exactly two triangles that agree on which side is out: 0 for a closed surface."""
    key = np.round(shape.p * 2e5).astype(np.int64)
    _, weld = np.unique(key, axis=0, return_inverse=True)
    t = weld.reshape(-1)[shape.t]
    t = t[(t[:, 0] != t[:, 1]) & (t[:, 1] != t[:, 2]) & (t[:, 2] != t[:, 0])]
    edges = np.concatenate([t[:, [0, 1]], t[:, [1, 2]], t[:, [2, 0]]])
    size = t.max() + 1
    there, count = np.unique(edges[:, 0] * size + edges[:, 1], return_counts=True)
    back, returned = np.unique(edges[:, 1] * size + edges[:, 0], return_counts=True)
    if len(there) == len(back) and (there == back).all():
        return int(np.abs(count - returned).sum())
    return len(np.setxor1d(there, back))


def volume(shape):
    """Enclosed volume; negative when the surface is inside out."""
    a, b, c = (shape.p[shape.t[:, k]] for k in range(3))
    return float((np.cross(a, b) * c).sum() / 6)
