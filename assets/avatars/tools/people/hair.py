"""Hair of thin pointed ribbons that follow the skull, over a scalp of the hair's colour."""

import numpy as np

from .body import BODY_VERTICES
from .face import EARS, LIPS, linear, mix
from .mesh import Mesh, both, bump, noise, normals_of, smoothstep, triangles, unit

# The middle of MakeHuman's undeformed head, metres; directions on the head are seen from there.
CENTRE = np.array([0.0, 0.755, 0.055])
# The height of the hair's edge on the undeformed head, by degrees from the front.
FULL = (
    [0, 20, 38, 52, 62, 72, 84, 96, 112, 135, 180],
    [0.808, 0.807, 0.800, 0.780, 0.764, 0.752, 0.742, 0.738, 0.712, 0.682, 0.672],
)
SHORT = (
    [0, 16, 34, 48, 56, 66, 74, 84, 90, 98, 112, 135, 180],
    [0.806, 0.806, 0.803, 0.788, 0.768, 0.752, 0.722, 0.712, 0.745, 0.740, 0.706, 0.678, 0.668],
)
BALD = (
    [0, 30, 50, 64, 74, 82, 90, 98, 112, 135, 180],
    [0.838, 0.836, 0.822, 0.790, 0.740, 0.712, 0.745, 0.740, 0.706, 0.678, 0.668],
)


class Skull:
    """The head without ears as a radius for each direction, and which of it bears hair."""

    def __init__(self, figure, edge, bare_top=None):
        base = figure.data.at[:BODY_VERTICES] * 0.1
        uv = figure.data.body_uv()[:BODY_VERTICES]
        ear = np.minimum.reduce([np.hypot(uv[:, 0] - u, uv[:, 1] - v) for u, v in EARS]) < 0.036
        angle = np.degrees(np.arctan2(np.abs(base[:, 0]), base[:, 2] - CENTRE[2]))
        line = np.interp(angle, *edge) + 0.0018 * noise(base, 0.02, 41)
        self.cover = smoothstep(-0.004, 0.005, base[:, 1] - line)
        self.use = np.flatnonzero(base[:, 1] > 0.63)
        self.depth = (0.45 + 0.55 * smoothstep(0.0, 0.035, base[:, 1] - line))[self.use]
        if bare_top:
            high, share = bare_top
            self.cover *= 1 - share * smoothstep(
                high - 0.012, high + 0.006, base[:, 1] + 0.25 * np.clip(base[:, 2] - 0.02, -0.03, 0.1)
            )
        self.cover[(base[:, 1] < 0.64) | ear] = 0
        chosen = (base[:, 1] > 0.62) & ~ear & ((np.hypot(base[:, 0], base[:, 2] - 0.055) > 0.02) | (base[:, 1] > 0.80))
        self.centre = figure.at[:BODY_VERTICES][(base[:, 1] > 0.74)].mean(0) * [0, 1, 1]
        self.at, self.base = figure.at[:BODY_VERTICES], base
        away = self.at[chosen] - self.centre
        self.radii = np.linalg.norm(away, axis=1)
        self.ways = away / self.radii[:, None]
        self.weights = figure.weights[:BODY_VERTICES][base[:, 1] > 0.80].mean(0)
        faces = triangles(figure.data.faces["body"])
        self.faces = faces[self.cover[faces].min(1) > 0.25]
        self.loose = triangles(figure.data.faces["body"])

    def radius(self, ways):
        """How far the skin is in these directions (n, 3)."""
        out = np.zeros(len(ways))
        for k in range(0, len(ways), 4000):
            near = np.exp((ways[k : k + 4000] @ self.ways.T - 1) / 0.0009) + 1e-12
            out[k : k + 4000] = near @ self.radii / near.sum(1)
        return out

    def cover_at(self, ways):
        """1 well inside the hair, less towards its edge, for directions (n, 3)."""
        inside = unit(self.at - self.centre)
        value = np.minimum(1.0, self.depth)
        out = np.zeros(len(ways))
        for k in range(0, len(ways), 2000):
            out[k : k + 2000] = value[np.argmax(ways[k : k + 2000] @ inside[self.use].T, axis=1)]
        return out

    def roots(self, count, random, where=None):
        """Directions of `count` places spread over the hair's ground."""
        corners = self.at[self.faces]
        area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
        if where is not None:
            area = area * where(self.base[self.faces].mean(1))
        edges = np.concatenate([[0], np.cumsum(area)])
        pick = (np.arange(count) + random.uniform(0, 1, count)) / count * edges[-1]
        face = np.clip(np.searchsorted(edges, pick, side="right") - 1, 0, len(self.faces) - 1)
        a, b = random.uniform(0, 1, (2, count))
        a, b = np.where(a + b > 1, 1 - a, a), np.where(a + b > 1, 1 - b, b)
        place = (
            corners[face, 0]
            + (corners[face, 1] - corners[face, 0]) * a[:, None]
            + (corners[face, 2] - corners[face, 0]) * b[:, None]
        )
        return unit(place - self.centre)


def slerp(a, b, t):
    """Directions (n, k, 3) on the way from a (n, 3) to b (n, 3) at t (n, k)."""
    angle = np.arccos(np.clip((a * b).sum(1), -1, 1))[:, None]
    s = np.maximum(np.sin(angle), 1e-5)
    return (np.sin((1 - t) * angle) / s)[:, :, None] * a[:, None] + (np.sin(t * angle) / s)[:, :, None] * b[:, None]


def ribbons(paths, ups, widths, colours, weights, round_=0.55):
    """Ribbons along paths (n, k, 3) lying across `ups` (n, k, 3), `widths` (n, k); normals fan out across a ribbon, so
    that it shines like a lock of hair."""
    n, k, _ = paths.shape
    along = unit(np.gradient(paths, axis=1))
    ups = unit(ups - along * (ups * along).sum(2, keepdims=True))
    across = np.cross(along, ups)
    half = (widths / 2)[:, :, None]
    at = np.stack([paths - across * half, paths + across * half], axis=2)
    normals = unit(np.stack([ups - across * round_, ups + across * round_], axis=2))
    index = np.arange(n * k * 2).reshape(n, k, 2)
    a, b, c, d = index[:, :-1, 0], index[:, :-1, 1], index[:, 1:, 1], index[:, 1:, 0]
    faces = np.concatenate([np.stack([a, b, c], axis=-1).reshape(-1, 3), np.stack([a, c, d], axis=-1).reshape(-1, 3)])
    colours = np.repeat(colours[:, :, None], 2, axis=2).reshape(-1, 3)
    fields = {"weights": np.tile(weights, (n * k * 2, 1)), "colour": colours}
    return Mesh(at.reshape(-1, 3), both(faces), fields, "hair", normals=normals.reshape(-1, 3))


def tint(colour, count, steps, random, tip=1.25, root=0.55):
    """Colours (count, steps, 3): locks differ, roots are dark, ends light."""
    t = np.linspace(0, 1, steps)
    ramp = root + (1 - root) * smoothstep(0.0, 0.25, t) + (tip - 1) * smoothstep(0.5, 1.0, t)
    lock = random.uniform(0.72, 1.32, (count, 1, 1))
    warm = 1 + random.uniform(-0.06, 0.06, (count, 1, 3)) * [1.0, 0.3, 0.8]
    return colour * ramp[None, :, None] * lock * warm


def taper(count, steps, wide, random, start=0.6, end=0.12):
    """Widths (count, steps): narrow at the root, full, pointed."""
    t = np.linspace(0, 1, steps)
    shape = (start + (1 - start) * smoothstep(0, 0.28, t)) * (1 - (1 - end) * smoothstep(0.55, 1.0, t))
    return wide * random.uniform(0.7, 1.25, (count, 1)) * shape[None]


def paint(skin, skull, colour, share=0.96):
    """The scalp under the hair takes its colour."""
    cover = np.zeros(len(skin.at))
    cover[:BODY_VERTICES] = skull.cover
    skin.fields["colour"] = mix(skin.fields["colour"], colour, cover * share)


def combed(skull, random, count, target, colour, wide, lift, wander=0.06, where=None, steps=8, start=0.0):
    """Hair combed over the skull to one direction."""
    ways = skull.roots(count, random, where)
    aims = unit(np.tile(target, (count, 1)) + random.normal(0, 0.05, (count, 3)))
    t = np.linspace(start, 1, steps)[None] * np.ones((count, 1))
    path = slerp(ways, aims, t)
    sway = random.normal(0, wander, (count, 1, 3)) * np.sin(np.pi * t)[:, :, None]
    path = unit(path + sway)
    radius = skull.radius(path.reshape(-1, 3)).reshape(count, steps)
    # Hair lies over the higher parts of its way: smoothed radii.
    for _ in range(2):
        radius[:, 1:-1] = np.maximum(radius[:, 1:-1], (radius[:, :-2] + radius[:, 2:]) / 2)
    height = (
        lift * random.uniform(0.35, 1.0, (count, 1)) * (0.02 + 0.98 * np.sin(np.pi * np.clip(t * 0.97, 0, 1)) ** 1.6)
    )
    points = skull.centre + path * (radius + height)[:, :, None]
    return ribbons(
        points,
        path,
        taper(count, steps, wide, random, 0.12, 0.5),
        tint(colour, count, steps, random, 1.1),
        skull.weights,
    )


def hanging(skull, random, count, start, aim, length, spread, colour, wide, steps=10):
    """A bundle that leaves the head towards `aim` and falls, thickest in its upper third."""
    t = np.linspace(0, 1, steps)
    turn = random.uniform(0, 2 * np.pi, count)
    out = np.sqrt(random.uniform(0, 1, count))
    side = unit(np.cross(aim, [0, 1.0, 0]))
    lifted = np.cross(side, aim)
    thick = (
        spread * (0.35 + 0.65 * np.sin(np.pi * np.clip(0.10 + 0.78 * t, 0, 1))) * (1 - 0.55 * smoothstep(0.6, 1.0, t))
    )
    long = length * random.uniform(0.78, 1.05, count)[:, None]
    s = t[None] * long
    away = 0.045 * (1 - np.exp(-s / 0.035))
    middle = (
        start + aim * away[:, :, None] + np.array([0, -1.0, 0]) * (np.maximum(s - 0.02, 0) ** 1.25 * 1.45)[:, :, None]
    )
    middle[:, :, 1] += 0.016 * np.exp(-(((s - 0.025) / 0.02) ** 2))
    around = side * np.cos(turn)[:, None] + lifted * np.sin(turn)[:, None]
    wave = 0.004 * np.sin(2 * np.pi * (t[None] * 1.2 + random.uniform(0, 1, (count, 1))))
    # Away from the head the bundle is a column, so its cross-section turns level.
    level = side[None] * np.cos(turn)[:, None] - (aim * [1, 0, 1])[None] * np.sin(turn)[:, None]
    share = smoothstep(0.0, 0.35, t)[None, :, None]
    ring = around[:, None] * (1 - share) + level[:, None] * share
    points = middle + ring * (out[:, None] * thick[None] + wave)[:, :, None]
    colours = tint(colour, count, steps, random, 1.25, 0.75) * (0.55 + 0.45 * out[:, None, None])
    return ribbons(points, unit(ring), taper(count, steps, wide, random, 0.8, 0.1), colours, skull.weights)


def torus(skull, middle, axis, big, small, colour, material="tie"):
    """A hair tie."""
    side = unit(np.cross(axis, [0, 1.0, 0.1]))
    up = np.cross(side, axis)
    n, m = 20, 8
    a = np.repeat(np.linspace(0, 2 * np.pi, n, endpoint=False), m)[:, None]
    b = np.tile(np.linspace(0, 2 * np.pi, m, endpoint=False), n)[:, None]
    ring = side * np.cos(a) + up * np.sin(a)
    at = middle + ring * (big + small * np.cos(b)) + axis * small * 1.8 * np.sin(b)
    k = np.arange(n * m)
    i, j = k // m, k % m
    p, q, r, s = k, ((i + 1) % n) * m + j, ((i + 1) % n) * m + (j + 1) % m, i * m + (j + 1) % m
    faces = np.concatenate([np.stack([p, q, r], axis=1), np.stack([p, r, s], axis=1)])
    normals = normals_of(at, faces)
    if (normals * (at - middle - ring * big)).sum() < 0:
        faces = faces[:, ::-1]
    return Mesh(
        at, faces, {"weights": np.tile(skull.weights, (len(at), 1)), "colour": np.tile(colour, (len(at), 1))}, material
    )


def ponytail(figure, skin, style, random):
    """Combed back over the ears to a tie at the back of the head."""
    colour = linear(style["colour"])
    skull = Skull(figure, FULL)
    paint(skin, skull, colour * 0.55)
    target = unit(np.array([0, 0.16, -1.0]))
    tie = skull.centre + target * (skull.radius(target[None])[0] + 0.012)
    pieces = [
        combed(skull, random, 260, target, colour * 0.75, 0.012, 0.005),
        combed(skull, random, 430, target, colour, 0.0080, 0.010),
    ]

    # The edge of the hair again, finer, so that it does not start in a step.
    def edge(places):
        angle = np.degrees(np.arctan2(np.abs(places[:, 0]), places[:, 2] - CENTRE[2]))
        return bump(places[:, 1], np.interp(angle, *FULL), 0.012)

    pieces.append(combed(skull, random, 320, target, colour * 0.9, 0.0055, 0.005, 0.05, edge))
    pieces.append(
        hanging(
            skull, random, 150, tie, unit(np.array([0, 0.25, -1.0])), style.get("length", 0.24), 0.030, colour, 0.009
        )
    )
    pieces.append(torus(skull, tie + target * 0.008, target, 0.0125, 0.0045, linear((40, 40, 46))))
    return pieces


def cropped(figure, skin, style, random):
    """Short hair that grows from the whorl outwards, longer and raised on top."""
    colour = linear(style["colour"])
    skull = Skull(figure, style.get("edge", SHORT), style.get("bare_top"))
    paint(skin, skull, colour * style.get("scalp", 0.6), style.get("scalp_share", 0.93))
    whorl = unit(np.array(style.get("whorl", (0.1, 0.85, -0.55))))
    count, steps = style.get("count", 1500), style.get("steps", 5)
    ways = skull.roots(count, random)
    flow = ways - whorl
    flow += np.array([style.get("part", 0.25), 0, 0]) * smoothstep(0.3, 0.9, ways[:, 1])[:, None]
    flow += np.array([0, -0.8, 0]) * smoothstep(0.55, 0.1, ways[:, 1])[:, None]
    flow = unit(flow - ways * (flow * ways).sum(1, keepdims=True))
    flow = unit(flow + random.normal(0, style.get("wild", 0.22), (count, 3)))
    flow = unit(flow - ways * (flow * ways).sum(1, keepdims=True))
    top = smoothstep(0.45, 0.85, ways[:, 1])
    front = smoothstep(-0.4, 0.6, ways[:, 2])
    long = style["side"] + (style["top"] - style["side"]) * top * (0.55 + 0.45 * front)
    # Shorter towards the edge
    edge_near = skull.cover_at(ways)
    long = long * random.uniform(0.7, 1.15, count) * edge_near
    up = style["side_up"] + (style["top_up"] - style["side_up"]) * top * (0.5 + 0.5 * front)
    up = up * random.uniform(0.45, 1.1, count) * edge_near
    t = np.linspace(0, 1, steps)[None]
    curl = style.get("curl", 0.0)
    path = unit(ways[:, None] + flow[:, None] * (long[:, None] * t / 0.10)[:, :, None])
    if curl:
        turn = random.uniform(0, 2 * np.pi, (count, 1)) + t * 6.0
        side = np.cross(flow, ways)
        path = unit(path + (side[:, None] * np.sin(turn)[:, :, None] + flow[:, None] * np.cos(turn)[:, :, None]) * curl)
    height = 0.0006 + up[:, None] * np.sin(np.pi * 0.86 * t)
    radius = skull.radius(path.reshape(-1, 3)).reshape(count, steps)
    points = skull.centre + path * (radius + height)[:, :, None]
    widths = taper(count, steps, style.get("wide", 0.006), random, 0.8, 0.08)
    return [ribbons(points, path, widths, tint(colour, count, steps, random, 1.2, 0.6), skull.weights)]


def beard(figure, skin, normals, style, random):
    """Short hairs down the jaw, lip and chin, and the skin under them darkened or greyed."""
    colour = linear(style["colour"])
    base, uv = figure.data.at[:BODY_VERTICES] * 0.1, figure.data.body_uv()[:BODY_VERTICES]
    x, y, z = np.abs(base[:, 0]), base[:, 1], base[:, 2]
    ear = np.minimum.reduce([np.hypot(uv[:, 0] - u, uv[:, 1] - v) for u, v in EARS]) < 0.036
    lips = ((uv[:, 0] - LIPS[0]) / LIPS[2]) ** 2 + ((uv[:, 1] - LIPS[1]) / LIPS[3]) ** 2 < 1.25
    # Upper edge: along the jaw up to the ear, below the cheek; lower edge: under the chin.
    top = np.interp(
        x, [0.0, 0.018, 0.030, 0.042, 0.055, 0.066, 0.08], [0.648, 0.648, 0.652, 0.656, 0.668, 0.694, 0.705]
    )
    cover = smoothstep(0.004, -0.004, y - top) * smoothstep(0.596, 0.606, y + 0.10 * (z - 0.10))
    lip = smoothstep(0.034, 0.028, x) * smoothstep(0.6845, 0.6815, y + 0.16 * x) * smoothstep(0.668, 0.671, y)
    corner = smoothstep(0.006, 0.003, np.abs(x - 0.032)) * smoothstep(0.680, 0.674, y) * (y > 0.62)
    cover = np.maximum.reduce([cover, lip, corner]) * (z > 0.045 - 0.6 * np.clip(x - 0.06, 0, 1))
    cover[ear | lips | (base[:, 1] < 0.59)] = 0
    paint_share = np.zeros(len(skin.at))
    paint_share[:BODY_VERTICES] = cover
    skin.fields["colour"] = mix(skin.fields["colour"], colour * 0.6, paint_share * style.get("share", 0.75))
    faces = triangles(figure.data.faces["body"])
    faces = faces[cover[faces].min(1) > 0.3]
    corners = figure.at[faces]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    edges = np.concatenate([[0], np.cumsum(area)])
    count = style.get("count", 1500)
    pick = (np.arange(count) + random.uniform(0, 1, count)) / count * edges[-1]
    face = np.clip(np.searchsorted(edges, pick, side="right") - 1, 0, len(faces) - 1)
    share = random.dirichlet(np.ones(3), count)[:, :, None]
    at, normal = (corners[face] * share).sum(1), unit((normals[faces[face]] * share).sum(1))
    weights = (figure.weights[faces[face]] * share).sum(1)
    side = np.clip(at[:, 0] / 0.03, -1, 1)
    ways = np.stack([side * -0.15, -np.ones(count), 0.10 * np.ones(count)], axis=1)
    ways = unit(ways + random.normal(0, 0.18, ways.shape))
    ways = unit(unit(ways - normal * (ways * normal).sum(1, keepdims=True)) + normal * 0.22)
    t = np.linspace(0, 1, 3)[None, :, None]
    long = style["length"] * random.uniform(0.6, 1.2, (count, 1, 1))
    upper = smoothstep(0.66, 0.70, (figure.data.at[faces[face], 1] * 0.1).mean(1))[:, None, None]
    long = long * (1 - 0.55 * upper)
    points = at[:, None] + normal[:, None] * 0.0004 + ways[:, None] * t * long - normal[:, None] * t**2 * long * 0.12
    colours = tint(colour, count, 3, random, 1.1, 0.75)
    mesh = ribbons(
        points, np.repeat(normal[:, None], 3, axis=1), taper(count, 3, 0.0028, random, 0.9, 0.1), colours, weights[0]
    )
    mesh.fields["weights"] = np.repeat(weights, 6, axis=0)
    return mesh


def make(figure, skin, normals, person):
    random = np.random.Generator(np.random.PCG64(person.get("seed", 3)))
    style = person["hair"]
    pieces = {"ponytail": ponytail, "cropped": cropped}[style["style"]](figure, skin, style, random)
    if "beard" in person:
        pieces.append(beard(figure, skin, normals, person["beard"], random))
    return pieces
