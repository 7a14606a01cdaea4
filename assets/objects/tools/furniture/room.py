"""The room itself, in pieces. A wall stands on y = 0, its inner face at z = 0 looks towards +Z, its middle is at x = 0."""
import numpy as np

from .parts import board, rod, stretched
from .solids import bent, box, lathe, rounded, slab, sweep

LENGTH, DEPTH, HEIGHT, THICK = 6.0, 5.2, 2.6, 0.12


def floor():
    """Oak planks over the whole room, their upper sides at y = 0."""
    random = np.random.Generator(np.random.PCG64(2))
    wide, gap, thick = 0.1733, 0.0008, 0.016
    rows = int(np.ceil(DEPTH / wide))
    wide = DEPTH / rows
    out = [box(LENGTH + 2 * THICK, 0.10, DEPTH + 2 * THICK, 0.004).at(y=-0.05 - 0.010).of("subfloor")]
    for k in range(rows):
        x = -LENGTH / 2
        first = True
        while x < LENGTH / 2 - 1e-6:
            long = 1.25 + 0.75 * random.random()
            if first:
                long *= 0.35 + 0.65 * random.random()
            end = min(x + long, LENGTH / 2)
            if LENGTH / 2 - end < 0.35:
                end = LENGTH / 2
            plank = box(end - x - gap, thick, wide - gap, 0.0012).at((x + end) / 2, -thick / 2, -DEPTH / 2 + (k + 0.5) * wide)
            tint = 0.80 + 0.20 * random.random()
            warm = 1 - 0.05 * random.random()
            out.append(plank.of("planks", (tint, tint * warm, tint * warm * warm))
                       .shifted_uv(1.1 * random.random(), 0.42 * random.random()))
            x, first = end, False
    return out


def ceiling():
    """A slab that lies on the walls."""
    return [box(LENGTH + 2 * THICK, 0.10, DEPTH + 2 * THICK, 0.003).at(y=HEIGHT + 0.05).of("ceiling paint")]


def skirting(x0, x1):
    """A baseboard along the wall's foot."""
    section = rounded([(0, 0), (0.016, 0), (0.016, 0.062, 0.004), (0.010, 0.080, 0.006), (0.006, 0.086, 0.003), (0, 0.086)], True, 3)
    # The section's x runs along +Z, its y along +Y: the way is -X.
    q, m, way = section
    flat = (np.stack([q[:, 0], -q[:, 1]], -1)[::-1], np.stack([m[:, 0], -m[:, 1]], -1)[::-1], way[::-1])
    return sweep(flat, [(x0, 0, 0), (x1, 0, 0)], up=(0, 0, 1)).of("white paint")


def casing(x0, y0, x1, y1, wide, deep, door=False):
    """Boards beside and above an opening, on the wall's face; a window has its sill below."""
    out = []
    reach = 0.006
    for s, x in ((-1, x0), (1, x1)):
        low = 0.0 if door else y0 - wide
        tall = y1 + wide - low
        out.append(box(wide, tall, deep, 0.003).at(x + s * (wide / 2 - reach), low + tall / 2, deep / 2).of("white paint"))
    inner = x1 - x0 + 2 * reach
    out.append(box(inner, wide, deep - 0.002, 0.003).at((x0 + x1) / 2, y1 + wide / 2 - reach, deep / 2 - 0.001)
               .of("white paint"))
    return out


def lining(x0, y0, x1, y1, deep, thick=0.018, door=False):
    """Boards inside an opening, as deep as the wall and a little proud of both faces."""
    z, w, h = -THICK / 2, x1 - x0, y1 - y0
    out = [box(thick, h, deep, 0.002).at(x0 + thick / 2 - 0.001, (y0 + y1) / 2, z).of("white paint"),
           box(thick, h, deep, 0.002).at(x1 - thick / 2 + 0.001, (y0 + y1) / 2, z).of("white paint"),
           box(w - 2 * thick + 0.004, thick, deep - 0.002, 0.002).at((x0 + x1) / 2, y1 - thick / 2 + 0.001, z).of("white paint")]
    if not door:
        out.append(box(w - 2 * thick + 0.004, thick, deep - 0.002, 0.002).at((x0 + x1) / 2, y0 + thick / 2 - 0.001, z).of("white paint"))
    return out


def picture(kind, x, y, w, h, frame):
    """A framed print on the wall."""
    out = []
    bar, deep = 0.022, 0.024
    for s in (-1, 1):
        out.append(board(bar, h, deep, frame, 0.002, shift=s).at(x + s * (w / 2 - bar / 2), y, deep / 2 + 0.001))
        out.append(board(w - 2 * bar, bar, deep - 0.001, frame, 0.002, shift=2 + s).at(x, y + s * (h / 2 - bar / 2), deep / 2 + 0.001))
    out.append(box(w - 2 * bar + 0.006, h - 2 * bar + 0.006, 0.006, 0.001).at(x, y, 0.006).of("label"))
    pw, ph = w * 0.70, h * 0.74
    sheet = box(pw, ph, 0.003, 0.0008).at(0, 0, 0.0085)
    out.append(stretched(sheet, (-pw / 2, -ph / 2), (pw / 2, ph / 2)).at(x, y).of(kind))
    return out


def wall_window():
    """The long wall with a wide window, its sill, and curtains on a rod."""
    width = LENGTH + 2 * THICK
    x0, y0, x1, y1 = -1.05, 0.86, 1.05, 2.22
    out = [slab(width, HEIGHT, THICK, (x0 + width / 2, y0, x1 + width / 2, y1)).at(x=-width / 2).of("wall paint"),
           skirting(-LENGTH / 2, LENGTH / 2)]
    out += lining(x0, y0, x1, y1, THICK + 0.006)
    out += casing(x0, y0, x1, y1, 0.070, 0.018)
    out.append(box(x1 - x0 + 0.22, 0.030, 0.120, 0.006, 2).at(0, y0 - 0.012, -0.002).of("white paint"))
    # Two sashes with one bar each.
    z, bar = -THICK / 2 - 0.012, 0.052
    a, b, c, d = x0 + 0.016, x1 - 0.016, y0 + 0.016, y1 - 0.016
    for p, q in ((a, -0.001), (0.001, b)):
        for x in (p + bar / 2, q - bar / 2):
            out.append(box(bar, d - c, 0.046, 0.004).at(x, (c + d) / 2, z).of("white paint"))
        for y in (c + bar / 2, d - bar / 2):
            out.append(box(q - p - 2 * bar + 0.002, bar, 0.044, 0.004).at((p + q) / 2, y, z).of("white paint"))
        out.append(box(q - p - 2 * bar + 0.002, 0.024, 0.030, 0.004).at((p + q) / 2, c + (d - c) * 0.66, z).of("white paint"))
    out.append(box(0.020, 0.13, 0.012, 0.004, 2).at(-0.028, (c + d) / 2 - 0.08, z + 0.030).of("brass"))
    # Curtains.
    rail = y1 + 0.165
    out.append(rod([(x0 - 0.52, rail, 0.115), (x1 + 0.52, rail, 0.115)], 0.012, "brass", 16, 0.003))
    for s in (-1, 1):
        out.append(lathe([(0, -0.024), (0.020, -0.012, 0.012), (0.020, 0.012, 0.012), (0, 0.024)], 20, arc=4).turned("z", 90)
                   .at(s * (x1 + 0.53), rail, 0.115).of("brass"))
        out.append(rod([(s * (x1 + 0.44), rail, -0.001), (s * (x1 + 0.44), rail, 0.115)], 0.007, "brass", 10, 0.0))
        cloth = box(0.50, rail + 0.012 - 0.015, 0.004, 0.0018, 0, (84, 9, 1), grain=1)
        height = rail - 0.015

        def folds(p, s=s, height=height):
            t = 0.5 - p[:, 1] / height
            # Gathered above, wider and softer below.
            phase = p[:, 0] / 0.50 * 2 * np.pi * 7 + 0.5 * np.sin(5 * p[:, 0] + 2 * t)
            deep = 0.024 + 0.016 * t
            x = p[:, 0] * (0.90 + 0.12 * t) + 0.007 * np.sin(phase * 0.5 + 3 * t)
            return np.stack([x, p[:, 1], p[:, 2] + deep * np.sin(phase) + 0.012 * t * np.sin(3 * x + s)], -1)

        cloth = cloth.deformed(folds).at(s * (x1 + 0.20), (rail + 0.012 + 0.015) / 2, 0.115)
        out.append(cloth.of("curtain"))
    return out


def wall_door():
    """The short wall with a door towards its left, and a print."""
    x0, x1, y1 = -1.85, -0.95, 2.06
    out = [slab(DEPTH, HEIGHT, THICK, (x0 + DEPTH / 2, 0, x1 + DEPTH / 2, y1)).at(x=-DEPTH / 2).of("accent paint"),
           skirting(-DEPTH / 2, x0 - 0.064), skirting(x1 + 0.064, DEPTH / 2)]
    out += lining(x0, 0.0, x1, y1, THICK + 0.006, door=True)
    out += casing(x0, 0.0, x1, y1, 0.070, 0.018, door=True)
    # The leaf: a board with two raised panels, a handle, hinges.
    w, h, z = x1 - x0 - 0.042, y1 - 0.030, -0.036
    x, y = (x0 + x1) / 2, 0.006 + h / 2
    out.append(box(w, h, 0.040, 0.003).at(x, y, z).of("white paint"))
    for low, high in ((0.22, 0.92), (1.06, 1.88)):
        panel = w - 0.24
        ring = rounded([(panel / 2, low, 0.0), (panel / 2, high, 0.0), (-panel / 2, high, 0.0), (-panel / 2, low, 0.0)], True)[0]
        corners = ring[:-1:2]
        for p, q in zip(corners, np.roll(corners, -1, 0)):
            long = np.abs(q - p).max() + 0.014
            size = (0.014, long) if abs(q[0] - p[0]) < 1e-9 else (long - 0.028, 0.014)
            out.append(box(*size, 0.012, 0.004, 1).at(x + (p[0] + q[0]) / 2, (p[1] + q[1]) / 2, z + 0.021).of("white paint"))
        out.append(box(panel - 0.06, high - low - 0.06, 0.010, 0.005, 1).at(x, (low + high) / 2, z + 0.0185).of("white paint"))
    # Stops behind the leaf close the gaps around it.
    for s in (-1, 1):
        out.append(box(0.030, y1, 0.014, 0.003).at(x + s * ((x1 - x0) / 2 - 0.030), y1 / 2, z - 0.030).of("white paint"))
    out.append(box(x1 - x0 - 0.088, 0.034, 0.013, 0.003).at(x, y1 - 0.032, z - 0.030).of("white paint"))
    hx, hy = x + w / 2 - 0.058, 1.02
    out.append(lathe([(0, 0), (0.025, 0, 0.002), (0.025, 0.007, 0.003), (0, 0.007)], 24, arc=2).turned("x", 90).at(hx, hy, z + 0.020).of("brass"))
    lever = bent([(0, 0, 0.005), (0, 0, 0.050), (-0.115, 0, 0.050)], 0.012, 5)
    out.append(rod(lever, 0.0085, "brass", 12, 0.003, up=(0, 1, 0)).at(hx, hy, z + 0.020))
    for hinge in (0.25, 1.05, 1.80):
        out.append(rod([(x - w / 2 - 0.003, hinge - 0.045, z + 0.024), (x - w / 2 - 0.003, hinge + 0.045, z + 0.024)], 0.0065, "brass", 10, 0.002))
    out.append(box(x1 - x0 - 0.03, 0.008, THICK, 0.002).at(x, 0.002, -THICK / 2).of("walnut"))
    out += picture("hills", 0.62, 1.56, 0.78, 0.62, "walnut")
    return out


def wall_plain():
    """The other short wall, with two prints."""
    out = [slab(DEPTH, HEIGHT, THICK).at(x=-DEPTH / 2).of("wall paint"), skirting(-DEPTH / 2, DEPTH / 2)]
    out += picture("leaves", -0.30, 1.55, 0.46, 0.60, "oak") + picture("hills", 0.30, 1.55, 0.46, 0.60, "oak")
    return out


def wall_long():
    """The other long wall."""
    width = LENGTH + 2 * THICK
    return [slab(width, HEIGHT, THICK).at(x=-width / 2).of("wall paint"), skirting(-LENGTH / 2, LENGTH / 2)]
