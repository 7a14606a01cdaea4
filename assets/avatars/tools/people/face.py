"""Skin colours, eyes, brows and lashes."""

import numpy as np

from .body import BODY_VERTICES
from .mesh import Mesh, both, noise, smoothstep, unit

# Where things lie in MakeHuman's texture: middle, half width, half height.
LIPS = (0.9080, 0.4833, 0.0150, 0.0205)
NAILS = [
    (0.4087, 0.0833),
    (0.4133, 0.0452),
    (0.4453, 0.0144),
    (0.5007, 0.0182),
    (0.5368, 0.0579),
    (0.7168, 0.0806),
    (0.7115, 0.0453),
    (0.6785, 0.0157),
    (0.6235, 0.0181),
    (0.5876, 0.0565),
]
EARS = [(0.8541, 0.6301), (0.8543, 0.3369)]


def linear(colour):
    """Linear light from an sRGB colour such as (224, 172, 148)."""
    c = np.array(colour, float) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def mix(a, b, share):
    """Colours (n, 3) moved towards a colour by a share (n)."""
    return a * (1 - share)[:, None] + np.asarray(b) * share[:, None]


def skin(figure, person):
    """The body's visible skin."""
    data, at = figure.data, figure.at
    uv = data.body_uv()
    tone, blood, lips = (linear(person[k]) for k in ("skin", "blush", "lips"))
    base = data.at * 0.1  # the undeformed head: features lie at the same place for everybody
    colour = np.tile(tone, (len(at), 1))
    colour *= (1 + 0.035 * noise(at, 0.05, 1) + 0.03 * noise(at, 0.013, 2))[:, None]
    x, y, z = np.abs(base[:, 0]), base[:, 1], base[:, 2]
    head = y > 0.60
    cheek = np.exp(-(((x - 0.042) / 0.022) ** 2) - ((y - 0.690) / 0.016) ** 2) * (z > 0.09) * head
    nose = np.exp(-((x / 0.014) ** 2) - ((y - 0.690) / 0.013) ** 2) * (z > 0.14) * head
    ears = np.maximum.reduce([np.exp(-((np.hypot(uv[:, 0] - u, uv[:, 1] - v) / 0.025) ** 2)) for u, v in EARS])
    lids = np.exp(-(((x - 0.031) / 0.022) ** 2) - ((y - 0.728) / 0.013) ** 2) * (z > 0.10) * head
    red = 0.45 * cheek + 0.40 * nose + 0.5 * ears + 0.30 * lids
    colour = mix(colour, blood, np.clip(red * person.get("flush", 1.0), 0, 0.7))
    knuckles = figure.hand * smoothstep(0.1, 0.6, noise(at, 0.022, 3))
    colour = mix(colour, blood, 0.16 * np.clip(knuckles, 0, 1))
    if "stubble" in person:
        shade, share = person["stubble"]
        jaw = smoothstep(0.685, 0.655, y) * smoothstep(0.030, 0.10, z) * head
        lip = np.exp(-((x / 0.032) ** 2) - ((y - 0.6755) / 0.008) ** 2) * (z > 0.12)
        under = smoothstep(0.59, 0.615, y)
        colour = mix(colour, linear(shade), share * np.clip(np.maximum(jaw, lip), 0, 1) * under)
    far = (np.abs((uv[:, 0] - LIPS[0]) / LIPS[2]) ** 2.4 + np.abs((uv[:, 1] - LIPS[1]) / LIPS[3]) ** 2.4) ** (1 / 2.4)
    colour = mix(colour, lips, smoothstep(1.08, 0.88, far) * person.get("lip_share", 0.75))
    for u, v in NAILS:
        near = np.hypot(uv[:, 0] - u, uv[:, 1] - v)
        colour = mix(colour, np.minimum(tone * [1.30, 1.12, 1.12] + 0.01, 1), 0.6 * smoothstep(0.0048, 0.0034, near))
    faces = data.faces["body"]
    corner = data.uv[data.face_uv["body"]]
    mouth = ((corner[:, :, 0] > 0.74) & (corner[:, :, 1] < 0.145)).all(1) & (data.at[faces][:, :, 1] > 5).all(1)
    colour[np.unique(faces[mouth])] = linear((96, 34, 32))
    mesh = Mesh(at, faces, {"weights": figure.weights, "colour": colour}, "skin")
    return mesh


def eyes(figure, person):
    """Eyeballs with white, iris and pupil, drawn by rings of vertices; a clear bulge over the iris."""
    pieces = []
    for side, group in ((1, "helper-l-eye"), (-1, "helper-r-eye")):
        index = np.unique(figure.data.faces[group])
        points = figure.at[index]
        middle = (points.max(0) + points.min(0)) / 2
        radius = np.ptp(points[:, :2], axis=0).max() / 2
        front = np.array([0.035 * side, -0.01, 1.0])
        front /= np.linalg.norm(front)
        right = unit(np.cross([0, 1.0, 0], front))
        up = np.cross(front, right)
        iris = person.get("iris_size", 0.47)
        rings = [
            0.0,
            0.06,
            0.12,
            0.165,
            0.185,
            0.23,
            0.29,
            0.35,
            0.41,
            iris - 0.025,
            iris,
            iris + 0.02,
            iris + 0.05,
            0.6,
            0.75,
            0.95,
            1.2,
            1.5,
            1.9,
        ]
        segments = 40
        at, colour = [middle + front * radius * 1.0], [[0.004] * 3]
        white, inner, outer = linear((236, 231, 226)), linear(person["iris"][0]), linear(person["iris"][1])
        pink = linear((214, 170, 160))
        for angle in rings[1:]:
            for k in range(segments):
                a = 2 * np.pi * k / segments
                bulge = 1 + 0.035 * smoothstep(iris + 0.12, 0.0, angle)
                way = right * np.cos(a) * np.sin(angle) + up * np.sin(a) * np.sin(angle) + front * np.cos(angle)
                at.append(middle + way * radius * bulge)
                t = (angle - 0.18) / (iris - 0.18)
                if angle < 0.17:
                    c = np.full(3, 0.004)
                elif angle < iris + 0.001:
                    ray = 0.85 + 0.25 * np.sin(7 * a + 1.3) * np.sin(11 * a) + 0.12 * (k % 2)
                    c = (inner * (1 - t) + outer * t) * ray * (1 - 0.55 * smoothstep(0.75, 1.0, t))
                    c = c * (0.55 + 0.45 * smoothstep(1.1, -0.6, np.sin(a)))  # the lid's shadow
                    c = np.full(3, 0.01) if angle < 0.186 else c
                elif angle < iris + 0.03:
                    c = 0.45 * white + 0.55 * outer * 0.4
                else:
                    c = white * (1 - smoothstep(0.55, 1.1, angle)) + (0.35 * white + 0.65 * pink) * smoothstep(
                        0.55, 1.1, angle
                    )
                    c = c * (0.62 + 0.38 * smoothstep(0.55, -0.35, np.sin(a) * np.sin(angle)))
                colour.append(c)
        faces = []
        for k in range(segments):
            n = (k + 1) % segments
            faces.append([0, 1 + k, 1 + n])
            for r in range(len(rings) - 2):
                a, b = 1 + r * segments, 1 + (r + 1) * segments
                faces += [[a + k, b + k, b + n], [a + k, b + n, a + n]]
        weights = np.tile(figure.weights[index].mean(0), (len(at), 1))
        pieces.append(Mesh(np.array(at), np.array(faces), {"weights": weights, "colour": np.array(colour)}, "eyes"))
    return pieces


class Surface:
    """The skin as a function: the nearest place on it in front of a point (x, y)."""

    def __init__(self, figure, normals):
        self.at = figure.at[:BODY_VERTICES]
        self.base = figure.data.at[:BODY_VERTICES] * 0.1
        self.normals = normals[:BODY_VERTICES]
        self.weights = figure.weights[:BODY_VERTICES]
        self.face = (self.base[:, 1] > 0.60) & (self.base[:, 2] > 0.06) & (self.normals[:, 2] > -0.1)
        self.index = np.flatnonzero(self.face)

    def find(self, spots):
        """For places (n, 2) of the undeformed face: place, normal and weights on this face."""
        at, normal, weights = [], [], []
        for spot in spots:
            d = np.hypot(self.base[self.index, 0] - spot[0], self.base[self.index, 1] - spot[1])
            near = self.index[np.argsort(d)[:6]]
            w = 1 / (np.hypot(*(self.base[near, :2] - spot).T) + 2e-4) ** 2
            w = (w / w.sum())[:, None]
            place = (self.at[near] * w).sum(0)
            # Inverse distances pull towards the vertices; a plane through them corrects that.
            shift = spot - (self.base[near, :2] * w).sum(0)
            n = unit((self.normals[near] * w).sum(0))
            step = np.array([shift[0], shift[1], 0.0])
            step[2] = -(n[0] * shift[0] + n[1] * shift[1]) / max(n[2], 0.3)
            at.append(place + step)
            normal.append(n)
            weights.append((self.weights[near] * w).sum(0))
        return np.array(at), np.array(normal), np.array(weights)


def strands(roots, ways, normals, weights, lengths, width, lift, colours, material, bend=0.0, steps=2):
    """Thin pointed ribbons that lie on a surface: each starts at a root and runs its way."""
    pieces_at, pieces_n, pieces_w, pieces_c, faces = [], [], [], [], []
    base = 0
    for root, way, normal, weight, length, colour in zip(roots, ways, normals, weights, lengths, colours):
        way = unit(way - normal * (way @ normal))
        across = np.cross(normal, way)
        for k in range(steps + 1):
            t = k / steps
            middle = root + way * length * t + normal * (0.0004 + lift * t * (1.0 - bend * t))
            half = width / 2 * (1 - t) ** 0.7 if k < steps else 0.0
            for s in (-1, 1) if k < steps else (0,):
                pieces_at.append(middle + across * half * s)
                pieces_n.append(normal)
                pieces_w.append(weight)
                pieces_c.append(colour)
        for k in range(steps - 1):
            a = base + 2 * k
            faces += [[a, a + 1, a + 3], [a, a + 3, a + 2]]
        a = base + 2 * (steps - 1)
        faces.append([a, a + 1, a + 2])
        base += 2 * steps + 1
    fields = {"weights": np.array(pieces_w), "colour": np.array(pieces_c)}
    return Mesh(np.array(pieces_at), both(np.array(faces)), fields, material, normals=np.array(pieces_n))


def brows(figure, surface, person):
    """Eyebrows of short hairs along an arch."""
    random = np.random.Generator(np.random.PCG64(7))
    count, colour = person.get("brow_hairs", 330), linear(person["brow"])
    thick = person.get("brow_thick", 0.0042)
    pieces = []
    for side in (1, -1):
        t = random.uniform(0, 1, count) ** 0.9
        x = 0.0115 + 0.0385 * t
        arch = person.get("brow_y", 0.7455) + 0.0058 * np.sin(np.pi * np.clip(t * 0.76 + 0.04, 0, 1)) - 0.0028 * t**2.5
        half = thick * (1 - 0.75 * t**1.5)
        y = arch + half * random.uniform(-1, 1, count)
        at, normal, weights = surface.find(np.stack([x * side, y], axis=1))
        # Hairs stand up near the nose and lie down towards the temple, converging on the arch.
        slant = np.radians(55 * (1 - t) ** 2.2 + 8) - 0.5 * (y - arch) / thick * t
        ways = np.stack([np.cos(slant) * side, np.sin(slant), np.full(count, -0.2)], axis=1)
        shade = colour * random.uniform(0.7, 1.3, count)[:, None]
        lengths = random.uniform(0.0055, 0.009, count) * (1 - 0.25 * t)
        pieces.append(strands(at, ways, normal, weights, lengths, 0.0007, 0.0008, shade, "hair"))
    return pieces


def lashes(figure, person):
    """Lashes: MakeHuman's strips drawn in towards the lids, upper ones long enough to darken the eye's outline."""
    pieces = []
    colour = linear(person.get("lash", (52, 38, 32)))
    body = figure.at[:BODY_VERTICES]
    for side in "lr":
        for row, keep in (("1", person.get("lower_lash", 0.12)), ("2", person.get("upper_lash", 0.6))):
            index = np.unique(figure.data.faces[f"helper-{side}-eyelashes-{row}"])
            at = figure.at.copy()
            near = np.exp(-((at[index][:, None] - body[None]) ** 2).sum(2) / 0.0028**2) + 1e-30
            near = near @ body / near.sum(1, keepdims=True)
            at[index] = near + (at[index] - near) * keep
            fields = {"weights": figure.weights, "colour": np.tile(colour, (len(at), 1))}
            pieces.append(
                Mesh(at, figure.data.faces[f"helper-{side}-eyelashes-{row}"], fields, "lashes").select(
                    figure.data.faces[f"helper-{side}-eyelashes-{row}"]
                )
            )
    return pieces
