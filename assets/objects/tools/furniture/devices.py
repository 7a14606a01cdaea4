"""More things to carry: a screen, a bin, a tripod, a clothes stand, a stool, a storage box."""
import numpy as np

from .parts import hoop, plate, rectangle, rod
from .solids import bent, box, lathe, oblong, rounded, sweep


def monitor():
    """A 24-inch screen on its foot, 0.54 m wide and 0.45 m high."""
    w, h, y = 0.540, 0.322, 0.285
    frame = box(w, h, 0.022, 0.006, 2).at(0, y, 0.012).of("black plastic")
    # The back swells towards its middle.
    swell = lambda p: p * np.stack([1 - 0.5 * np.clip(-p[:, 2] / 0.05, 0, 1), 1 - 0.5 * np.clip(-p[:, 2] / 0.05, 0, 1),
                                    np.ones(len(p))], -1)
    back = box(w * 0.94, h * 0.90, 0.060, 0.020, 3, (4, 4, 4)).at(z=-0.020).deformed(swell).at(0, y, 0.012)
    out = [frame, back.of("black plastic"),
           box(w - 0.016, h - 0.030, 0.002, 0.0006).at(0, y + 0.006, 0.0228).of("screen"),
           box(0.030, 0.0030, 0.001, 0.0003).at(0, y - h / 2 + 0.008, 0.0232).of("grey plastic"),
           box(0.006, 0.0022, 0.001, 0.0003).at(w / 2 - 0.03, y - h / 2 + 0.008, 0.0232).of("standby")]
    neck = bent([(0, 0.008, -0.052), (0, 0.20, -0.058), (0, y, -0.040)], 0.05, 6)
    out.append(sweep(oblong(0.016, 0.062, 0.006, 3), neck, up=(0, 0, 1), ends=0.003).of("grey plastic"))
    out.append(box(0.11, 0.11, 0.020, 0.006, 2).at(0, y, -0.040).of("grey plastic"))
    out.append(plate(rectangle(0.235, 0.185, 0.030), 0.0, 0.011, "grey plastic", 0.004).at(z=-0.020))
    for k in range(9):
        out.append(box(0.15, 0.0028, 0.003, 0.001).at(0, y + 0.062 + 0.0065 * k, -0.0355 + 0.0001 * k).of("rubber"))
    return out


def waste_bin():
    """A round waste bin with ribs, 0.30 m wide and 0.36 m high, open above."""
    wall = 0.004
    body = lathe([(0, 0.004), (0.104, 0.004, 0.004), (0.110, 0.0, 0.002), (0.116, 0.006, 0.004),
                  (0.124, 0.085, 0.002), (0.1275, 0.090, 0.003), (0.1365, 0.235, 0.002), (0.139, 0.240, 0.003),
                  (0.144, 0.335, 0.003), (0.150, 0.345, 0.003), (0.150, 0.356, 0.004), (0.143, 0.356, 0.004),
                  (0.139, 0.335, 0.004), (0.139 - wall * 3, 0.0085, 0.012), (0, 0.0085)], 56, arc=3).of("green plastic")
    out = [body]
    # A folding bow on two lugs.
    a = np.linspace(0, np.pi, 25)
    bow = np.stack([0.150 * np.cos(a), 0.338 + 0 * a, 0.150 * np.sin(a) * 1.035 + 0.004], -1)
    out.append(rod(bow, 0.0028, "steel", 8, 0.001, up=(0, 1, 0)))
    for s in (-1, 1):
        out.append(lathe([(0, -0.006), (0.010, -0.006, 0.002), (0.010, 0.006, 0.002), (0, 0.006)], 16, arc=2)
                   .turned("z", 90).at(s * 0.1515, 0.338, 0.004).of("black plastic"))
    return out


def tripod():
    """A photographer's tripod, 1.32 m high, its feet 0.46 m from the middle."""
    apex, reach = 0.98, 0.46
    out = [
        lathe([(0, apex - 0.035), (0.022, apex - 0.035, 0.004), (0.036, apex - 0.010, 0.008), (0.036, apex + 0.020, 0.006),
               (0.020, apex + 0.034, 0.006), (0, apex + 0.034)], 24, arc=3).of("black plastic"),
        lathe([(0, 0.60), (0.0125, 0.60, 0.002), (0.0125, 1.16), (0, 1.16)], 20, arc=2).of("steel"),
        lathe([(0, 0.585), (0.016, 0.585, 0.003), (0.016, 0.612, 0.003), (0, 0.612)], 20, arc=2).of("rubber"),
        # The head: turning base, tilting block, plate, and its handle.
        lathe([(0, 1.150), (0.028, 1.150, 0.004), (0.028, 1.185, 0.004), (0, 1.185)], 24, arc=2).of("black plastic"),
        box(0.046, 0.066, 0.050, 0.010, 2).at(0, 1.215, 0).of("black plastic"),
        lathe([(0, -0.036), (0.017, -0.036, 0.003), (0.017, 0.036, 0.003), (0, 0.036)], 20, arc=2).turned("z", 90)
        .at(0, 1.238, 0).of("grey plastic"),
        box(0.062, 0.012, 0.092, 0.004, 2).at(0, 1.268, 0).of("black plastic"),
        box(0.050, 0.009, 0.062, 0.003, 2).at(0, 1.277, 0).of("rubber"),
        lathe([(0, 1.281), (0.003, 1.281, 0.0005), (0.003, 1.290, 0.0008), (0, 1.290)], 10, arc=2).of("brass"),
        rod([(0.012, 1.245, -0.02), (0.050, 1.190, -0.240)], 0.0045, "steel", 10, 0.0),
        rod([(0.0325, 1.2153, -0.140), (0.053, 1.1856, -0.258)], 0.0115, "rubber", 14, 0.005),
    ]
    for k in range(3):
        hip, foot = np.array([0, apex, 0.034]), np.array([0, 0.010, reach])
        at = lambda s: hip + (foot - hip) * s
        leg = [
            box(0.034, 0.050, 0.030, 0.007, 2).at(*(hip + (0, -0.004, 0.004))).of("black plastic"),
            rod([at(0.0), at(0.50)], 0.0145, "black metal", 14, 0.001),
            rod([at(0.48), at(0.55)], 0.0185, "black plastic", 14, 0.003),
            rod([at(0.52), at(0.80)], 0.0115, "steel", 14, 0.001),
            rod([at(0.775), at(0.835)], 0.0155, "black plastic", 14, 0.003),
            rod([at(0.80), at(1.0)], 0.0088, "steel", 14, 0.001),
            rod([at(0.06), at(0.36)], 0.0195, "rubber", 16, 0.004),
            lathe([(0, 0.0), (0.012, 0.0, 0.003), (0.017, 0.012, 0.004), (0.012, 0.032, 0.004), (0, 0.032)], 16, arc=2)
            .at(0, 0, reach + 0.001).of("rubber"),
        ]
        # The spreader to the middle column.
        leg.append(sweep(oblong(0.012, 0.004, 0.0015, 1), [at(0.33), (0, 0.625, 0.016)], up=(1, 0, 0)).of("black metal"))
        out += [part.turned("y", 120 * k + 60) for part in leg]
    return out


def hanger(width=0.42):
    """A wooden hanger that hangs from the origin, across x."""
    arms = bent([(-width / 2, -0.155, 0), (-0.075, -0.078, 0), (0, -0.062, 0), (0.075, -0.078, 0), (width / 2, -0.155, 0)], 0.12, 5)
    size = np.interp(np.abs(arms[:, 0]), [0, 0.12, width / 2], [1.0, 1.0, 0.75])
    a = np.radians(np.linspace(-90, 150, 13))
    curl = np.stack([0.016 * np.cos(a), 0.016 * np.sin(a), 0 * a], -1)
    hook = np.concatenate([[(0, -0.066, 0), (0, -0.03, 0)], curl])
    return [sweep(oblong(0.012, 0.030, 0.005, 2), arms, up=(0, 0, 1), ends=0.004, scale=size).of("beech"),
            rod(hook, 0.0018, "steel", 6, 0.0005)]


def clothes_stand():
    """A clothes rail of round tube, 0.95 m wide and 1.45 m high, with a rack for shoes and four hangers."""
    w, d, h = 0.95, 0.44, 1.45
    out = []
    for s in (-1, 1):
        x = s * w / 2
        # Each end is one tube bent to a tall bow.
        bow = bent([(x, 0.010, d / 2), (x, h - 0.02, 0.035), (x, h - 0.02, -0.035), (x, 0.010, -d / 2)], 0.045, 5)
        out.append(rod(bow, 0.0125, "black metal", 14, 0.001, up=(1, 0, 0)))
        for t in (-1, 1):
            out.append(rod([(x, 0.0, t * (d / 2 + 0.001)), (x, 0.045, t * (d / 2 - 0.005))], 0.0155, "rubber", 14, 0.003))
        z = d / 2 - 0.035
        out.append(rod([(x, 0.205, -z), (x, 0.205, z)], 0.010, "black metal", 12, 0.0))
    out.append(rod([(-w / 2 - 0.085, h - 0.055, 0), (w / 2 + 0.085, h - 0.055, 0)], 0.0125, "oak", 16, 0.003))
    for k in range(6):
        z = (k - 2.5) * 0.066
        out.append(rod([(-w / 2, 0.208, z), (w / 2, 0.208, z)], 0.0075, "oak", 10, 0.0).shifted_uv(0.3 * k, 0.07 * k))
    for k, (x, turn) in enumerate(((-0.24, 84), (-0.15, 97), (0.06, 90), (0.21, 79))):
        out += [part.turned("y", turn).at(x, h - 0.055 - 0.0005, 0) for part in hanger()]
    for part in out:
        part.p[:, 1] = np.maximum(part.p[:, 1], 0.0)
    return out


def stool():
    """A three-legged stool of walnut, seat at 0.46 m."""
    top = lathe([(0, 0.428), (0.150, 0.428, 0.02), (0.172, 0.444, 0.012), (0.168, 0.461, 0.008), (0.120, 0.456, 0.06), (0, 0.452)],
                48, arc=4)
    # Grain across the seat, not around it.
    out = [top.like(top.p, uv=np.stack([top.p[:, 0], top.p[:, 2]], -1)).of("walnut")]
    for k in range(3):
        leg = rod([(0, 0, 0.205), (0, 0.218, 0.155), (0, 0.436, 0.105)], 0.017, "walnut", 16, 0.003, scale=[0.70, 1.0, 0.88])
        leg.p[:, 1] = np.maximum(leg.p[:, 1], 0.0)
        out.append(leg.turned("y", 120 * k).shifted_uv(0.3 * k, 0.1 * k))
    out.append(hoop(0.163, 0.165, 0.0075, "brass", 48, 10))
    return out


def storage_box():
    """A plastic box with a lid, 0.55 x 0.38 m and 0.28 m high."""
    w, d, h = 0.50, 0.335, 0.245

    def narrow(p):
        k = 0.90 + 0.10 * (p[:, 1] / h + 0.5)
        return p * np.stack([k, np.ones(len(p)), k], -1)

    ribs = lambda p: p + np.stack([0 * p[:, 0], 0 * p[:, 0], 0.004 * np.sign(p[:, 2]) * np.clip(np.abs(p[:, 2]) / d * 4 - 1, 0, 1)
                                   * np.clip(0.5 + np.cos(p[:, 0] * 2 * np.pi / 0.085), 0, 1) * np.clip(1 - np.abs(p[:, 1]) / h * 2, 0, 1) ** 0.5], -1)
    body = box(w, h, d, 0.022, 3, (20, 4, 2)).deformed(ribs).deformed(narrow).at(y=h / 2)
    out = [body.of("blue plastic")]
    rim = rounded(rectangle(w + 0.006, d + 0.006, 0.028), True, 6)[0][:-1]
    path = np.stack([rim[:, 0], np.full(len(rim), h - 0.012), rim[:, 1]], -1)
    out.append(sweep(oblong(0.016, 0.016, 0.004, 2), path, up=(0, 1, 0), loop=True).of("blue plastic"))
    out.append(plate(rectangle(w + 0.034, d + 0.034, 0.036), h - 0.002, h + 0.016, "white plastic", 0.005))
    out.append(plate(rectangle(w - 0.045, d - 0.045, 0.030), h + 0.010, h + 0.024, "white plastic", 0.005))
    for s in (-1, 1):
        clip = bent([(s * (w / 2 + 0.008), h - 0.075, 0), (s * (w / 2 + 0.020), h - 0.012, 0), (s * (w / 2 + 0.020), h + 0.020, 0),
                     (s * (w / 2 - 0.004), h + 0.020, 0)], 0.008, 4)
        out.append(sweep(oblong(0.115, 0.006, 0.0025, 2), clip, up=(0, 0, 1), ends=0.002).of("grey plastic"))
    return out
