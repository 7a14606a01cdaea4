"""Parts that several pieces of furniture are made of."""
import numpy as np

from .solids import box, circle, rounded, sweep


def board(sx, sy, sz, material, r=0.002, k=0, inner=(1, 1, 1), shift=0.0, grain=None):
    """A wooden part; `shift` gives it a place of its own in the grain."""
    return box(sx, sy, sz, r, k, inner, grain).of(material).shifted_uv(0.37 * shift, 0.131 * shift)


def plate(outline, y0, y1, material, ends=0.003, arc=3):
    """A flat body: `outline` in (x, -z) runs counter-clockwise seen from above."""
    return sweep(rounded(outline, True, 6), [(0, y0, 0), (0, y1, 0)], up=(1, 0, 0), ends=ends, arc=arc).of(material)


def rectangle(w, d, r):
    """An outline with rounded corners about the origin, counter-clockwise."""
    return [(w / 2, -d / 2, r), (w / 2, d / 2, r), (-w / 2, d / 2, r), (-w / 2, -d / 2, r)]


def rod(path, r, material, segments=10, ends=0.002, up=(0, 0, 1), scale=None, arc=2):
    """A round bar along a path."""
    path = np.asarray(path, float)
    way = path[-1] - path[0]
    if abs(way @ np.asarray(up, float)) > 0.95 * np.linalg.norm(way):
        up = (1, 0, 0)
    return sweep(circle(r, segments), path, up=up, ends=ends, scale=scale, arc=arc).of(material)


def hoop(r, y, thick, material, segments=48, around=8):
    """A round bar closed to a level ring."""
    a = np.linspace(0, 2 * np.pi, segments, endpoint=False)
    return sweep(circle(thick, around), np.stack([r * np.sin(a), np.full(segments, y), r * np.cos(a)], -1),
                 up=(0, 1, 0), loop=True).of(material)


def taper(top, bottom, height):
    """Narrows a centred leg: a factor that runs from `bottom` at -height/2 to `top` at height/2."""
    def f(p):
        k = bottom + (top - bottom) * (p[:, 1:2] / height + 0.5)
        return p * np.concatenate([k, np.ones_like(k), k], 1)
    return f


def splayed(foot_x, foot_z, height):
    """Leans a leg so that its foot stands out by the given amounts while its top stays."""
    def f(p):
        k = (height - p[:, 1]) / height
        return p + np.stack([foot_x * k, 0 * k, foot_z * k], -1)
    return f


def cushion(w, h, d, material, bulge=0.018, r=0.05, k=3, inner=(6, 1, 6)):
    """A stuffed cushion about the origin, thickest along y; its seam is piped."""
    def soft(p):
        u, v = np.clip(2 * p[:, 0] / w, -1, 1), np.clip(2 * p[:, 2] / d, -1, 1)
        s = np.clip(2 * p[:, 1] / h, -1, 1)
        full = (1 - u ** 2) * (1 - v ** 2)
        side = 1 - s ** 2
        return p + np.stack([u * side * (1 - v ** 2) * bulge * 0.5, s * full * bulge, v * side * (1 - u ** 2) * bulge * 0.5], -1)

    body = box(w, h, d, r, k, inner).deformed(soft).of(material)
    out = [body]
    line = rounded(rectangle(w - 0.5 * r, d - 0.5 * r, r), True, 5)[0][:-1]
    for s in (-1, 1):
        # Piping follows the edge where the rounding has turned by half.
        y = s * (h / 2 - r * 0.29)
        grow = 1 - (0.58 - 0.5) * r / np.array([w, d]) * 2
        path = np.stack([line[:, 0] * grow[0], np.full(len(line), y), line[:, 1] * grow[1]], -1)
        seam = sweep(circle(0.0045, 5), path, up=(0, 1, 0), loop=True).deformed(soft)
        out.append(seam.of(material))
    return out


def pillow(w, h, thick, material):
    """A loose pillow that stands upright about the origin and faces +Z."""
    def soft(p):
        u, v = np.clip(2 * p[:, 0] / w, -1, 1), np.clip(2 * p[:, 1] / h, -1, 1)
        full = (1 - u ** 4) * (1 - v ** 4)
        # Edges between the corners are drawn in.
        x = p[:, 0] * (1 - 0.07 * (1 - v ** 2))
        y = p[:, 1] * (1 - 0.07 * (1 - u ** 2))
        return np.stack([x, y, p[:, 2] * (1 + (thick / 0.016 - 1) * full)], -1)

    return box(w, h, 0.016, 0.006, 1, (14, 14, 1)).deformed(soft).of(material)


def stretched(shape, low, high, flip_v=True, axes=(0, 1)):
    """Lays a whole picture over a shape: u along the first axis from `low` to `high`, v along the second."""
    a, b = axes
    u = (shape.p[:, a] - low[0]) / (high[0] - low[0])
    v = (shape.p[:, b] - low[1]) / (high[1] - low[1])
    return shape.like(shape.p, uv=np.stack([u, 1 - v if flip_v else v], -1))
