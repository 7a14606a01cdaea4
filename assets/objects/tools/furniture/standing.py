"""What stays where it stands: sofa, shelf, rug, plant. Standing on y = 0 about the origin, front towards +Z."""
import numpy as np

from .material import linear
from .parts import board, cushion, pillow, rod, stretched, taper
from .solids import bent, box, circle, lathe, rounded, sweep


def sofa():
    """A sofa for two and a half, 2.06 x 0.92 m and 0.83 m high."""
    w, d, arm = 2.06, 0.92, 0.19
    cloth = "grey fabric"
    room = w - 2 * arm
    soft = lambda sx, sy, sz, r, inner: box(sx, sy, sz, r, 3, inner).of(cloth)
    out = [soft(w - 0.02, 0.175, d - 0.03, 0.030, (6, 1, 3)).at(0, 0.215, 0)]
    # The back leans; its top edge is full.
    back = soft(w - 0.03, 0.56, 0.20, 0.060, (8, 3, 1)).turned("x", -7).at(0, 0.53, -d / 2 + 0.135)
    out.append(back)
    for s in (-1, 1):
        out.append(soft(arm, 0.475, d - 0.01, 0.060, (1, 2, 4)).at(s * (w / 2 - arm / 2), 0.375, 0.0))
        for z in (-1, 1):
            leg = box(0.055, 0.130, 0.055, 0.008, 2, (1, 2, 1)).deformed(taper(1.0, 0.6, 0.130)).at(y=0.065)
            out.append(leg.at(s * (w / 2 - 0.13), 0, z * (d / 2 - 0.12)).of("walnut"))
    seat, rest = room / 2, room / 2
    for s in (-1, 1):
        out += [part.at(s * seat / 2, 0.385, 0.075) for part in cushion(seat - 0.006, 0.165, 0.735, cloth, 0.020)]
        lean = cushion(rest - 0.012, 0.185, 0.43, cloth, 0.032, 0.065)
        out += [part.turned("x", 90).turned("x", -14).at(s * rest / 2, 0.665, -d / 2 + 0.295) for part in lean]
    # Two loose pillows in the corners.
    for x, tilt, turn, material in ((-0.66, -22, 24, "mustard fabric"), (0.70, -24, -20, "cream fabric")):
        out.append(pillow(0.44, 0.44, 0.15, material).turned("z", 4 * np.sign(x)).turned("x", tilt).turned("y", turn)
                   .at(x, 0.675, 0.045))
    return out


BOOKS = ["#7c2f2a", "#2f4858", "#c9a45c", "#5d6b57", "#b9b2a3", "#86563b", "#33423a", "#a9452f", "#44506b", "#d8cfbd",
         "#6b3f52", "#8a8f6a", "#1f2d33", "#c27c4e"]


def book(thick, tall, deep, colour, band):
    """A book that stands about the origin with its spine towards +Z."""
    t = 0.0028
    x, z = thick / 2, deep / 2
    # Covers and spine are one folded board, open towards the wall.
    fold = [(x, -z, 0), (x, z, 0.004), (-x, z, 0.004), (-x, -z, 0), (-x + t, -z, 0), (-x + t, z - t, 0), (x - t, z - t, 0), (x - t, -z, 0)]
    outline = [(a, -b, r) for a, b, r in fold][::-1]
    cover = sweep(rounded(outline, True, 2), [(0, -tall / 2, 0), (0, tall / 2, 0)], up=(1, 0, 0))
    out = [cover.of("tinted", linear(colour)),
           box(thick - 2 * t - 0.0006, tall - 0.007, deep - t - 0.004, 0.0005).at(z=-0.0015).of("tinted", linear("#e6dcc6"))]
    if band:
        out.append(box(thick * 0.92, tall * 0.10, 0.0012, 0.0003).at(0, tall * 0.27, z + 0.0002).of("tinted", linear(band)))
    return out


def row(random, x0, x1, y, tallest):
    """Books side by side from x0 to x1 on a board at height y."""
    out, x = [], x0
    while True:
        thick = 0.016 + 0.030 * random.random()
        tall = tallest * (0.72 + 0.28 * random.random())
        deep = 0.15 + 0.06 * random.random()
        if x + thick > x1:
            return out
        colour = BOOKS[int(random.random() * len(BOOKS))]
        band = BOOKS[int(random.random() * len(BOOKS))] if random.random() < 0.55 else None
        parts = book(thick, tall, deep, colour, band)
        last = x + thick + 0.05 > x1
        for part in parts:
            if last:
                part = part.at(thick / 2, tall / 2).turned("z", 9).at(-thick / 2, -tall / 2)
            out.append(part.at(x + thick / 2 + (0.03 if last else 0), y + tall / 2 + (0.0005 if last else 0), 0.118 - deep / 2))
        x += thick + 0.0012
        if last:
            return out


def basket(w, h, d, material):
    """A cloth box with a leather pull."""
    body = box(w, h, d, 0.014, 2, (3, 2, 3)).of(material)
    pull = bent([(-0.045, 0.012, d / 2 - 0.002), (-0.03, 0.0, d / 2 + 0.016), (0.03, 0.0, d / 2 + 0.016), (0.045, 0.012, d / 2 - 0.002)], 0.012, 4)
    return [body, rod(pull, 0.005, "tinted", 8, 0.001).of("tinted", linear("#7a4e30"))]


def shelf():
    """A bookcase, 0.96 x 0.33 m and 1.86 m high, with books, boxes, a vase and a small plant."""
    random = np.random.Generator(np.random.PCG64(17))
    w, h, d, t = 0.96, 1.86, 0.33, 0.024
    out = []
    for s in (-1, 1):
        out.append(board(t, h - 0.06, d, "oak", 0.002, shift=1 + s).at(s * (w / 2 - t / 2), 0.06 + (h - 0.06) / 2, 0))
        for z in (-1, 1):
            leg = box(0.038, 0.062, 0.038, 0.006, 1).deformed(taper(1.0, 0.7, 0.062)).at(y=0.031)
            out.append(leg.of("oak").at(s * (w / 2 - 0.05), 0, z * (d / 2 - 0.045)))
    inside = w - 2 * t
    levels = [0.072, 0.42, 0.77, 1.12, 1.46]
    for k, y in enumerate(levels + [h - t / 2]):
        out.append(board(inside, t, d - 0.016 if y < 1.8 else d, "oak", 0.002, shift=4 + k).at(0, y, 0.004 if y < 1.8 else 0))
    out.append(board(inside + 0.012, h - 0.075, 0.006, "walnut", 0.001, shift=3, grain=1).at(0, 0.06 + (h - 0.07) / 2, -d / 2 + 0.006))
    up = [y + t / 2 for y in levels]
    left, right = -inside / 2 + 0.006, inside / 2 - 0.006
    # From below: two cloth boxes, books and a pile, books, a vase and books, a plant and books.
    for s, material in ((-1, "cream fabric"), (1, "mustard fabric")):
        out += [part.at(s * 0.228, up[0] + 0.125, 0.012) for part in basket(0.40, 0.25, 0.27, material)]
    out += row(random, left, 0.10, up[1], 0.29)
    y = up[1]
    for k, colour in enumerate(("#2f4858", "#b9b2a3", "#86563b", "#a9452f")):
        thick = (0.036, 0.028, 0.032, 0.022)[k]
        for part in book(thick, 0.225 - 0.012 * k, 0.165 - 0.008 * k, colour, None):
            out.append(part.turned("z", 90).turned("y", (4, -6, 9, -3)[k]).at(0.305, y + thick / 2, 0.03))
        y += thick + 0.0008
    out += row(random, left, right - 0.02, up[2], 0.27)
    out.append(lathe([(0, 0), (0.035, 0, 0.006), (0.064, 0.075, 0.05), (0.026, 0.175, 0.03), (0.022, 0.205, 0.006),
                      (0.030, 0.222, 0.003), (0.025, 0.222, 0.002), (0.018, 0.203, 0.01), (0.018, 0.12, 0.004), (0, 0.12)], 36, arc=4)
               .at(-0.30, up[3], 0.02).of("tinted", linear("#7d8f92")))
    out.append(lathe([(0, 0), (0.030, 0, 0.004), (0.046, 0.050, 0.03), (0.038, 0.094, 0.02), (0.030, 0.100, 0.004),
                      (0.026, 0.096, 0.003), (0, 0.085)], 32, arc=3).at(-0.175, up[3], 0.045).of("tinted", linear("#d8cfbd")))
    out += row(random, -0.07, right - 0.01, up[3], 0.26)
    out += row(random, left, -0.02, up[4], 0.28)
    out.append(lathe([(0, 0), (0.050, 0, 0.004), (0.066, 0.105, 0.003), (0.066, 0.118, 0.003), (0.058, 0.118, 0.003), (0.055, 0.100), (0, 0.100)], 32, arc=3)
               .at(0.27, up[4], 0.02).of("terracotta"))
    out.append(lathe([(0, 0.09), (0.0545, 0.09), (0.053, 0.104, 0.003), (0, 0.107)], 24, arc=2).at(0.27, up[4], 0.02).of("soil"))
    for k in range(11):
        lean = 0.045 + 0.055 * random.random()
        tall = 0.10 + 0.07 * random.random()
        path = bent([(0.008, 0.10, 0), (0.018, 0.10 + tall * 0.7, 0), (lean + 0.03, 0.10 + tall, 0)], 0.06, 5)
        size = np.stack([np.full(len(path), 1.0), np.interp(np.linspace(0, 1, len(path)), [0, 0.4, 0.75, 1], [3.0, 7.5, 6.0, 0.8])], -1)
        blade = sweep(circle(0.0012, 6), path, up=(1, 0, 0), scale=size)
        out.append(blade.turned("y", 360 / 11 * k + 20 * random.random()).at(0.27, up[4], 0.02).of("leaf"))
    return out


def rug():
    """A woven rug, 2.30 x 1.55 m, 7 mm thick."""
    w, d, t = 2.30, 1.55, 0.007
    body = box(w, t, d, 0.003, 0).at(y=t / 2)
    return [stretched(body, (-w / 2, d / 2), (w / 2, -d / 2), axes=(0, 2)).of("rug")]


def plant():
    """A rubber plant in a clay pot, 1.25 m high."""
    random = np.random.Generator(np.random.PCG64(5))
    out = [
        lathe([(0, 0.012), (0.115, 0.012, 0.004), (0.115, 0, 0.002), (0.125, 0, 0.004), (0.160, 0.235, 0.002), (0.172, 0.238, 0.004),
               (0.176, 0.290, 0.006), (0.160, 0.290, 0.006), (0.155, 0.255), (0, 0.255)], 48, arc=3).of("terracotta"),
        lathe([(0, 0.24), (0.156, 0.24), (0.152, 0.262, 0.006), (0, 0.268)], 32, arc=2).of("soil"),
    ]
    for trunk, (x, z, lean, top) in enumerate(((0.02, 0.01, 0.05, 1.12), (-0.045, 0.03, -0.10, 0.86), (0.03, -0.05, 0.11, 0.70))):
        turn = 70 + 130 * trunk
        path = bent([(x, 0.25, z), (x + lean * 0.6, 0.25 + (top - 0.25) * 0.5, z), (x + lean * 0.8, top, z + lean * 0.4)], 0.5, 5)
        out.append(rod(path, 0.011, "tinted", 10, 0.002, scale=np.linspace(1.0, 0.5, len(path))).of("tinted", linear("#6b5138")))
        far = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
        count = (15, 10, 8)[trunk]
        for k in range(count):
            s = 0.28 + 0.72 * (k + 1) / count
            root = np.array([np.interp(s, far / far[-1], path[:, a]) for a in range(3)])
            long = (0.20 + 0.07 * random.random()) * (1.05 - 0.35 * s)
            rise = 0.25 + 0.9 * s * s
            fall = 0.55 + 0.35 * random.random()
            line = bent([(0, 0, 0), (long * 0.30, long * 0.32 * rise, 0), (long * 0.75, long * 0.42 * rise, 0),
                         (long * 1.15, long * (0.42 * rise - 0.35 * fall), 0)], 0.3, 4)
            share = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
            share /= share[-1]
            wide = np.interp(share, [0, 0.16, 0.2, 0.36, 0.6, 0.84, 0.95, 1], [1.8, 1.8, 8, 24, 30, 20, 8, 1.0]) * (long / 0.22)
            thick = np.interp(share, [0, 0.16, 0.25, 1], [1.8, 1.8, 0.8, 0.5])
            leaf = sweep(circle(0.0019, 8), line, up=(0, 1, 0), scale=np.stack([thick, wide], -1))
            # Halves of a leaf fold up along its vein.
            leaf = leaf.deformed(lambda p: p + np.stack([0 * p[:, 0], np.sqrt(p[:, 2] ** 2 + 1e-5) * 0.32, 0 * p[:, 0]], -1))
            shade = linear("#3f6b3a") * (0.75 + 0.5 * random.random())
            leaf = leaf.turned("y", turn + 137.5 * k).at(*root)
            out.append(leaf.of("leaf", np.clip(shade / linear("#3f6b3a"), 0, 1)))
    return out
