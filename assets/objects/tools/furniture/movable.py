"""What a person takes up and carries. Each function gives the shapes of one rigid object, standing on y = 0 about the
origin, front towards +Z."""
import numpy as np

from .parts import board, hoop, plate, rectangle, rod, splayed, taper
from .solids import bent, box, circle, lathe, oblong, rounded, sweep


def floor_lamp():
    """1.58 m high; a weighted foot, a pole with brass collars, a drum shade of linen on a three-armed carrier."""
    low, high = 1.30, 1.575
    out = [
        lathe([(0, 0), (0.138, 0, 0.003), (0.140, 0.014, 0.009), (0.050, 0.024, 0.02), (0.020, 0.034, 0.006),
               (0.0, 0.034)], 48, arc=5).of("black metal"),
        lathe([(0, 0.030), (0.018, 0.030, 0.002), (0.018, 0.070, 0.004), (0, 0.070)], 24).of("brass"),
        lathe([(0, 0.06), (0.0115, 0.06), (0.0115, 1.36), (0, 1.36)], 20).of("black metal"),
        lathe([(0, 0.742), (0.0155, 0.742, 0.002), (0.0155, 0.775, 0.002), (0, 0.775)], 24).of("brass"),
        lathe([(0, 1.355), (0.020, 1.355, 0.003), (0.020, 1.410, 0.003), (0, 1.410)], 24).of("brass"),
        lathe([(0, 1.405), (0.013, 1.405), (0.014, 1.425, 0.01), (0.031, 1.465, 0.03), (0.029, 1.500, 0.03), (0, 1.512)],
              24, arc=5).of("bulb"),
    ]
    wall, bottom, narrow = 0.003, 0.215, 0.165
    # Outer cloth, rims and inner lining are one closed ring of two materials.
    outer = lathe([(bottom - wall, low), (bottom, low), (narrow, high), (narrow - wall, high)], 64)
    inner = lathe([(narrow - wall, high), (bottom - wall, low)], 64)
    out += [outer.of("linen"), inner.of("lining")]
    for y, r in ((low, bottom), (high, narrow)):
        out.append(hoop(r, y, 0.0045, "cream fabric", 64))
    for k in range(3):
        spoke = rod(bent([(0.012, 1.40, 0), (0.05, 1.40, 0), (0.10, 1.545, 0), (narrow - 0.001, 1.560, 0)], 0.02, 3), 0.0025,
                    "brass", 6, 0.0)
        out.append(spoke.turned("y", 120 * k + 30))
    return out


def carton():
    """A closed moving box, 0.50 x 0.40 m and 0.36 m high."""
    w, h, d = 0.50, 0.355, 0.40

    def bulge(p):
        u, v, s = np.clip(p[:, 0] / (w / 2), -1, 1), np.clip(p[:, 1] / (h / 2), -1, 1), np.clip(p[:, 2] / (d / 2), -1, 1)
        side = (1 - v * v)
        return p + np.stack([u * side * (1 - s * s) * 0.004, 0 * u, s * side * (1 - u * u) * 0.006], -1)

    # The grain (fluting) runs upright on the sides.
    body = box(w, h, d, 0.005, 2, (6, 6, 6), grain=1).deformed(bulge).at(y=h / 2).of("cardboard")
    out = [body]
    gap = 0.0022
    for s in (-1, 1):
        flap = box(w - 0.004, 0.0036, d / 2 - gap, 0.0016, 0, (4, 1, 3), grain=2)
        lift = lambda p: p + np.stack([0 * p[:, 0], 0.0035 * np.clip(0.5 - s * p[:, 2] / (d / 2), 0, 1) ** 2
                                       * (1 - 0.35 * (p[:, 0] / w) ** 2), 0 * p[:, 0]], -1)
        out.append(flap.deformed(lift).at(y=h + 0.0012, z=s * (d / 4 + gap / 4)).of("cardboard").shifted_uv(0.1, 0.17 * s))
    # Tape along the seam and down both ends, one strip that is bent at the edges.
    half, down, t = w / 2 + 0.0012, 0.085, 0.0006
    y = h + 0.0072
    path = bent([(-half, y - down, 0), (-half, y, 0), (half, y, 0), (half, y - down, 0)], 0.006, 4)
    out.append(sweep(oblong(0.05, t * 2, t, 1), path, up=(0, 0, 1)).of("tape"))
    # An address label and the arrows that say which side is up, on the bulging faces.
    def printed(part, x, y, side):
        part = part.at(x, y - h / 2, d / 2 + 0.0003).deformed(bulge).at(y=h / 2)
        out.append(part if side > 0 else part.turned("y", 180))

    printed(board(0.115, 0.085, 0.0012, "label", 0.0004, inner=(5, 4, 1)), 0.115, 0.205, 1)
    for k in range(5):
        short = 0.012 * (k % 3)
        printed(board(0.062 - short, 0.0035, 0.0016, "print", 0.0003, inner=(3, 1, 1)), 0.095 - short / 2,
                0.228 - 0.0105 * k, 1)
    arrow = [(0, 0.045), (-0.024, 0.016), (-0.009, 0.016), (-0.009, -0.03), (0.009, -0.03), (0.009, 0.016), (0.024, 0.016)]
    mark = sweep(rounded([(x, y, 0) for x, y in arrow], True), [(0, 0, -0.0006), (0, 0, 0.0006)], up=(1, 0, 0)).of("print")
    bar = board(0.125, 0.006, 0.0012, "print", 0.0003, inner=(5, 1, 1))
    for s in (-1, 1):
        x = -0.13 if s > 0 else 0.0
        printed(mark, x - 0.035, 0.215, s)
        printed(mark, x + 0.035, 0.215, s)
        printed(bar, x, 0.170, s)
    # Hand holes in the short sides: an outline of the punched flap.
    for s in (-1, 1):
        hole = rounded(rectangle(0.095, 0.032, 0.016), True, 4)
        path = np.stack([np.full(len(hole[0]) - 1, 0.0), hole[0][:-1, 1], hole[0][:-1, 0]], -1)
        slot = sweep(circle(0.0016, 6), path, up=(1, 0, 0), loop=True).of("dark gap")
        out.append(slot.at(s * (w / 2 + 0.0026), 0.255, 0))
    return out


def table():
    """A side table, 0.90 x 0.60 m and 0.72 m high: oak, rails between tapered legs that lean out a little."""
    w, d, h, thick = 0.90, 0.60, 0.72, 0.026
    top = plate(rectangle(w, d, 0.035), h - thick, h, "oak", ends=0.006, arc=4)
    # The underside slopes to a slimmer edge.
    slim = lambda p: p + np.stack([np.zeros(len(p)), np.clip((np.maximum(np.abs(p[:, 0]) - (w / 2 - 0.05),
                                   np.abs(p[:, 2]) - (d / 2 - 0.05))) / 0.05, 0, 1)
                                   * np.where(p[:, 1] < h - thick * 0.75, 0.006, 0.0), np.zeros(len(p))], -1)
    out = [top.like(slim(top.p))]
    x, z, leg = w / 2 - 0.085, d / 2 - 0.075, h - thick
    for k, (sx, sz) in enumerate(((-1, -1), (1, -1), (1, 1), (-1, 1))):
        part = box(0.050, leg, 0.050, 0.010, 2, (1, 6, 1)).deformed(taper(1.0, 0.58, leg)).at(y=leg / 2)
        part = part.deformed(splayed(sx * 0.045, sz * 0.035, leg)).at(sx * x, 0, sz * z)
        out.append(part.of("oak").shifted_uv(0.31 * k, 0.083 * k))
    rail, y = 0.072, leg - 0.036
    for s in (-1, 1):
        out.append(board(2 * x - 0.040, rail, 0.020, "oak", 0.003, shift=2 + s).at(y=y, z=s * (z + 0.006)))
        out.append(board(0.020, rail, 2 * z - 0.040, "oak", 0.003, shift=5 + s).at(x=s * (x + 0.006), y=y))
    return out


def chair():
    """A wooden dining chair, 0.45 x 0.51 m, seat at 0.455 m, 0.83 m high."""
    seat_y = 0.455
    top = box(0.45, 0.030, 0.43, 0.012, 3, (12, 1, 12), grain=2)

    def dish(p):
        u, v = p[:, 0] / 0.225, p[:, 2] / 0.215
        hollow = np.maximum(1 - u ** 2, 0) * np.maximum(1 - v ** 2, 0)
        narrow = 1 - 0.035 * (1 - v)
        front = np.maximum(v - 0.55, 0) ** 2
        corner = 1 - 0.05 * np.abs(u) ** 3 * np.abs(v) ** 3
        return np.stack([p[:, 0] * narrow * corner, p[:, 1] - 0.013 * hollow - 0.035 * front,
                         p[:, 2] * corner], -1)

    out = [top.deformed(dish).at(y=seat_y - 0.013).of("beech")]
    legs = seat_y - 0.024
    for s in (-1, 1):
        front = box(0.036, legs, 0.036, 0.012, 2, (1, 6, 1)).deformed(taper(1.0, 0.66, legs)).at(y=legs / 2)
        out.append(front.deformed(splayed(s * 0.018, 0.016, legs)).at(s * 0.182, 0, 0.165).of("beech").shifted_uv(0.2 * s, 0.3))
        # The rear leg runs on as the post of the back.
        path = bent([(s * 0.190, 0, -0.235), (s * 0.176, 0.44, -0.178), (s * 0.180, 0.83, -0.262)], 0.45, 10)
        size = np.interp(path[:, 1], [0, 0.42, 0.83], [0.70, 1.0, 0.68])
        post = sweep(oblong(0.042, 0.027, 0.010, 3), path, up=(0, 0, 1), ends=0.006, scale=size)
        post.p[:, 1] = np.maximum(post.p[:, 1], 0.0)
        out.append(post.of("beech").shifted_uv(0.5 * s, 0.21))
        side = rod([(s * 0.190, 0.195, 0.168), (s * 0.181, 0.195, -0.203)], 0.0095, "beech", 12, 0.0)
        out.append(side)
        out.append(board(0.020, 0.050, 0.335, "beech", 0.003, shift=3 + s).turned("y", s * 1.2).at(s * 0.178, legs - 0.020, -0.008))
    out.append(board(0.345, 0.050, 0.020, "beech", 0.003, shift=1).at(0, legs - 0.020, 0.166))
    out.append(board(0.330, 0.050, 0.020, "beech", 0.003, shift=7).at(0, legs - 0.020, -0.180))
    out.append(rod([(-0.184, 0.195, -0.01), (0.184, 0.195, -0.01)], 0.009, "beech", 12, 0.0))

    def curve(p):
        # Slats are bowed backwards to hold a back.
        return p + np.stack([0 * p[:, 0], 0 * p[:, 0], -0.030 * (1 - (p[:, 0] / 0.18) ** 2)], -1)

    for k, (y, height) in enumerate(((0.562, 0.038), (0.645, 0.038), (0.772, 0.088))):
        lean = np.interp(y, [0.44, 0.83], [-0.178, -0.262])
        slat = box(0.362, height, 0.015, 0.006, 2, (12, 1, 1))
        if height > 0.05:
            # The top rail is crowned.
            slat = slat.deformed(lambda p: p + np.stack([0 * p[:, 0], (1 - (p[:, 0] / 0.18) ** 2)
                                                         * (0.5 + p[:, 1] / 0.088) * 0.014, 0 * p[:, 0]], -1))
        slat = slat.deformed(curve).turned("x", -12).at(0, y, lean)
        out.append(slat.of("beech").shifted_uv(0.23 * k, 0.11 * k))
    return out


def suitcase():
    """A cabin trolley with a ribbed shell, 0.40 x 0.25 x 0.60 m with its wheels; the telescope handle is half out."""
    w, h, d, foot = 0.40, 0.53, 0.225, 0.058
    middle = foot + h / 2

    def ribs(p):
        x = p[:, 0]
        wave = np.clip(0.5 + 0.75 * np.cos(x * 2 * np.pi / 0.046), 0, 1)
        wave = wave * wave * (3 - 2 * wave)
        inside = np.clip((0.168 - np.abs(x)) / 0.012, 0, 1)
        k = 0.0042 * wave * inside * inside * (3 - 2 * inside)
        # Outwards across the broad faces, less over top and bottom, none at the seam.
        away = np.clip((np.abs(p[:, 2]) - 0.03) / 0.03, 0, 1)
        away = away * away * (3 - 2 * away)
        q = p / np.array([1, h / 2, d / 2])
        flat = np.abs(q[:, 1:]) ** 4
        flat = flat / np.maximum(flat.sum(1, keepdims=True), 1e-9)
        return p + np.stack([0 * x, np.sign(p[:, 1]) * flat[:, 0] * k * away,
                             np.sign(p[:, 2]) * flat[:, 1] * k * away], -1)

    shell = box(w, h, d, 0.045, 3, (46, 1, 2)).deformed(ribs).at(y=middle)
    out = [shell.of("shell")]
    # The zip around the middle: tape, and a line of teeth.
    for width, deep, material in ((0.016, 0.0035, "black plastic"), (0.0045, 0.0058, "steel")):
        p, n, _ = rounded(rectangle(w, h, 0.045), True, 8)
        ring = p[:-1]
        path = np.stack([ring[:, 0], ring[:, 1] + middle, np.zeros(len(ring))], -1)
        # Points of the straight sides as well keep the frame steady.
        out.append(sweep(oblong(width, deep, min(width, deep) * 0.4, 1), path, up=(0, 0, 1), loop=True).of(material))
    for sx in (-1, 1):
        for sz in (-1, 1):
            x, z = sx * (w / 2 - 0.047), sz * (d / 2 - 0.040)
            out.append(box(0.050, 0.030, 0.048, 0.012, 2).at(x, foot + 0.004, z).of("black plastic"))
            out.append(lathe([(0, 0.030), (0.014, 0.030, 0.002), (0.016, foot - 0.004), (0, foot - 0.004)], 16)
                       .at(x, 0, z).of("black plastic"))
            for s in (-1, 1):
                tyre = lathe([(0, -0.0065), (0.017, -0.0065, 0.002), (0.023, -0.005, 0.003), (0.023, 0.005, 0.003),
                              (0.017, 0.0065, 0.002), (0, 0.0065)], 18, arc=2).turned("z", 90)
                hub = lathe([(0, -0.0085), (0.010, -0.0085, 0.002), (0.010, 0.0085, 0.002), (0, 0.0085)], 12, arc=2).turned("z", 90)
                out += [tyre.at(x + s * 0.011, 0.0235, z).of("rubber"), hub.at(x + s * 0.011, 0.0235, z).of("grey plastic")]
    # Telescope at the back of the top, its housing, and the carrying grips.
    top, back = foot + h, -d / 2 + 0.046
    out.append(box(0.215, 0.014, 0.036, 0.006, 2).at(0, top + 0.003, back).of("black plastic"))
    for s in (-1, 1):
        out.append(rod([(s * 0.085, top - 0.03, back), (s * 0.085, top + 0.150, back)], 0.0085, "steel", 14, 0.0))
    grip = bent([(-0.085, top + 0.140, back), (-0.085, top + 0.172, back), (0.085, top + 0.172, back),
                 (0.085, top + 0.140, back)], 0.022, 6)
    out.append(sweep(oblong(0.030, 0.024, 0.010, 3), grip, up=(0, 0, 1), ends=0.005).of("black plastic"))
    out.append(box(0.030, 0.004, 0.016, 0.002, 2).at(0, top + 0.1845, back).of("grey plastic"))
    path = bent([(-0.080, top - 0.004, 0.032), (-0.068, top + 0.024, 0.032), (0.068, top + 0.024, 0.032),
                 (0.080, top - 0.004, 0.032)], 0.018, 5)
    out.append(sweep(oblong(0.022, 0.010, 0.004, 2), path, up=(0, 0, 1), ends=0.002).of("black plastic"))
    side = bent([(w / 2 - 0.004, middle - 0.080, 0.034), (w / 2 + 0.022, middle - 0.066, 0.034),
                 (w / 2 + 0.022, middle + 0.066, 0.034), (w / 2 - 0.004, middle + 0.080, 0.034)], 0.018, 5)
    out.append(sweep(oblong(0.022, 0.010, 0.004, 2), side, up=(0, 0, 1), ends=0.002).of("black plastic"))
    out.append(box(0.046, 0.014, 0.003, 0.0012, 2).at(0, middle + 0.165, d / 2 + 0.0045).of("steel"))
    # A lock beside the zip.
    out.append(box(0.012, 0.062, 0.034, 0.004, 2).at(-w / 2 - 0.003, middle + 0.03, 0.0).of("grey plastic"))
    return out
