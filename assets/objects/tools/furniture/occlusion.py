"""How much of the surroundings each vertex sees, as a tint: what lies in a nook is darker in any light that has no
shadows of its own."""
import numpy as np

RAYS = 48
# Farther than this nothing darkens, metres.
REACH = 0.30
# What is left of the colour where nothing is seen.
DARKEST = 0.38
# Steepest change of a tint, per metre: across a narrow chamfer a steeper one runs far beyond 0 and 1 where a pixel's
# middle lies outside the triangle.
STEEPEST = 8.0
# Faces as large as a wall have no vertices where shade would lie.
BARE = {"wall paint", "accent paint"}


def samples(shapes, spacing):
    """Points on all surfaces, no farther apart than `spacing`."""
    out = []
    for s in shapes:
        a, b, c = (s.p[s.t[:, k]] for k in range(3))
        edge = np.max([np.linalg.norm(b - a, axis=1), np.linalg.norm(c - b, axis=1), np.linalg.norm(a - c, axis=1)], 0)
        parts = np.maximum(np.ceil(edge / spacing).astype(int), 1)
        for n in np.unique(parts):
            i, j = np.meshgrid(np.arange(n + 1), np.arange(n + 1), indexing="ij")
            keep = i + j <= n
            u, v = i[keep] / n, j[keep] / n
            of = parts == n
            weights = np.stack([1 - u - v, u, v], -1)
            out.append(np.einsum("wk,ktd->twd", weights, np.stack([a[of], b[of], c[of]])).reshape(-1, 3))
    return np.concatenate(out)


def directions():
    """Rays about +Z, denser where they count more: their cosines are the weights."""
    k = np.arange(RAYS) + 0.5
    r, turn = np.sqrt(k / RAYS), k * np.pi * (3 - np.sqrt(5))
    return np.stack([r * np.cos(turn), r * np.sin(turn), np.sqrt(1 - r * r)], -1)


def shade(shapes, floor=False):
    """Multiplies every shape's tint by what its vertices see. `floor`: the object stands there for good."""
    low = np.min([s.p.min(0) for s in shapes], 0)
    high = np.max([s.p.max(0) for s in shapes], 0)
    cell = max(0.006, (high - low).max() / 170)
    size = np.ceil((high - low) / cell).astype(int) + 3
    full = np.zeros(size, bool)
    full[tuple(((samples(shapes, cell * 0.7) - low) / cell + 1).astype(int).T)] = True
    local = directions()
    for s in shapes:
        if s.material in BARE:
            continue
        side = np.where(np.abs(s.n[:, 1:2]) < 0.9, [[0.0, 1.0, 0.0]], [[1.0, 0.0, 0.0]])
        u = np.cross(side, s.n)
        u /= np.linalg.norm(u, axis=1, keepdims=True)
        v = np.cross(s.n, u)
        way = local[:, 0, None, None] * u + local[:, 1, None, None] * v + local[:, 2, None, None] * s.n
        start = s.p + s.n * (1.7 * cell)
        dark = np.zeros(way.shape[:2])
        for t in np.arange(0.5 * cell, REACH, cell)[::-1]:
            # From far to near: the nearest hit is what counts.
            at = start + way * t
            index = np.floor((at - low) / cell + 1).astype(int)
            inside = ((index >= 0) & (index < size)).all(-1)
            index = np.where(inside[..., None], index, 0)
            hit = full[index[..., 0], index[..., 1], index[..., 2]] & inside
            if floor:
                hit |= at[..., 1] < 0
            dark = np.where(hit, (1 - t / REACH) ** 0.7, dark)
        seen = gentle(s, DARKEST + (1 - DARKEST) * (1 - dark.mean(0)))
        tint = np.ones((len(s.p), 3)) if s.tint is None else s.tint
        s.tint = tint * np.round(seen, 2)[:, None]


def gentle(shape, value):
    """The values of a shape's places, drawn together where they differ more than `STEEPEST` allows."""
    _, place = np.unique(np.round(shape.p * 2e4).astype(np.int64), axis=0, return_inverse=True)
    place = place.reshape(-1)
    count = np.bincount(place)
    value = np.bincount(place, value) / count
    t = place[shape.t]
    a, b = np.unique(np.sort(np.concatenate([t[:, [0, 1]], t[:, [1, 2]], t[:, [2, 0]]]), axis=1), axis=0).T
    where = np.stack([np.bincount(place, shape.p[:, k]) / count for k in range(3)], -1)
    most = np.linalg.norm(where[a] - where[b], axis=1) * STEEPEST
    degree = np.maximum(np.bincount(a, minlength=len(count)) + np.bincount(b, minlength=len(count)), 1)
    for _ in range(60):
        step = value[b] - value[a]
        excess = np.sign(step) * np.maximum(np.abs(step) - most, 0) / 2
        value = value + (np.bincount(a, excess, len(count)) - np.bincount(b, excess, len(count))) * (2 / (degree + 1))
    return value[place]
