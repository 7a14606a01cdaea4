"""Clothes cut from MakeHuman's `helper-tights`, a suit that fits every body, then let out, hung and hemmed."""

import numpy as np

from .body import BODY_VERTICES
from .mesh import Mesh, border, bump, cut, noise, normals_of, smooth, smoothstep, subdivide, unit

SOLE = 0.022


class Figure:
    """A person's vertices with landmarks: `arm`, `leg` say how much of a vertex belongs to a limb."""

    def __init__(self, data, at, weights):
        self.data, self.at, self.weights = data, at, weights
        names, shares = data.weights("default")

        def share(words):
            return shares[:, [k for k, n in enumerate(names) if n.startswith(words)]].sum(1)

        self.arm = share(("upperarm", "lowerarm", "wrist", "metacarpal", "finger"))
        self.leg = share(("upperleg02", "lowerleg", "foot", "toe"))
        self.hand = share(("wrist", "metacarpal", "finger"))
        self.foot = share(("foot", "toe"))
        self.head = 1 - share(
            (
                "spine",
                "clavicle",
                "shoulder",
                "upperarm",
                "lowerarm",
                "wrist",
                "meta",
                "finger",
                "root",
                "pelvis",
                "upperleg",
                "lowerleg",
                "foot",
                "toe",
                "breast",
                "neck01",
                "neck02",
            )
        )
        self.joint = {}
        for name in ("neck", "head", "pelvis", "spine-1", "spine-2", "spine-3", "spine-4"):
            self.joint[name] = data.joint(at, name)
        for side in "lr":
            for name in ("shoulder", "elbow", "hand", "upper-leg", "knee", "ankle", "foot-1", "clavicle"):
                self.joint[f"{side}-{name}"] = data.joint(at, f"{side}-{name}")

        # Front and back of the neck's root, metres along z
        body = at[:BODY_VERTICES]
        root = body[(np.abs(body[:, 1] - self.joint["neck"][1] - 0.01) < 0.012) & (np.abs(body[:, 0]) < 0.07)]
        self.collar = root[:, 2].max(), root[:, 2].min()

    def along_arm(self, at):
        """Metres from the shoulder along upper and lower arm."""
        return self.along(at, ("shoulder", "elbow", "hand"))

    def arm_length(self):
        j = self.joint
        upper = np.linalg.norm(j["l-elbow"] - j["l-shoulder"])
        return upper, upper + np.linalg.norm(j["l-hand"] - j["l-elbow"])

    def along(self, at, joints):
        """Metres along the line through a side's joints (mirrored to the left side)."""
        p = at * [1, 1, 1]
        p[:, 0] = np.abs(p[:, 0])
        a, b, c = (self.joint[f"l-{n}"] for n in joints)
        first, second = np.linalg.norm(b - a), np.linalg.norm(c - b)
        u = (p - a) @ ((b - a) / first)
        v = (p - b) @ ((c - b) / second)
        # The plane that halves the angle of the joint decides which bone counts.
        beyond = (p - b) @ unit((b - a) / first + (c - b) / second) > 0
        return np.where(beyond, first + v, np.minimum(u, first))

    def part(self, group, material, steps=1):
        """A helper mesh with everything the later steps need, subdivided."""
        faces = self.data.faces[group]
        fields = {
            "weights": self.weights,
            "rest": self.at,
            "arm": self.arm,
            "leg": self.leg,
            "head": self.head,
            "colour": np.ones((len(self.at), 3)),
        }
        mesh = Mesh(self.at, faces, fields, material).select(faces)
        for _ in range(steps):
            mesh = subdivide(mesh)
        mesh.fields["rest"] = mesh.at.copy()
        mesh.fields["out"] = unit(smooth(normals_of(mesh.at, mesh.faces), mesh.faces, 4))
        return mesh


def neckline(figure, at, head, deep, back=0.0, wide=0.06):
    """Positive below a collar that falls from the nape to `deep` below the pit of the neck; metres."""
    front, rear = figure.collar
    nape = figure.joint["neck"][1] - 0.012 - back
    pit = figure.joint["l-clavicle"][1] + 0.012 - deep
    share = np.clip((at[:, 2] - rear) / (front - rear), -0.5, 1.0)
    line = nape + (pit - nape) * smoothstep(-0.1, 1.05, share)
    beyond = np.abs(at[:, 0]) - wide
    line = line + 0.4 * (beyond + np.hypot(beyond, 0.02))
    return np.where(head > 0.6, -1.0, (line - at[:, 1]) * 0.8)


def shirt_value(figure, at, arm, head, cut_of):
    """Positive where the shirt is."""
    sleeve = np.where(arm > 0.45, cut_of["sleeve"] - figure.along_arm(at), 1.0)
    return np.minimum.reduce(
        [at[:, 1] - cut_of["hem"], sleeve, neckline(figure, at, head, *cut_of["neck"]) * cut_of["collar"]]
    )


def trousers_value(figure, at, arm, cut_of):
    """Positive where the trousers are."""
    return np.where(arm > 0.45, -1.0, np.minimum(cut_of["waist"] - at[:, 1], at[:, 1] - cut_of["ankle"]))


def shoe_value(figure, at, cut_of):
    """Positive below a shoe's edge, which rises towards the heel and at the tongue."""
    ankle = figure.joint["l-ankle"]
    heel = 0.25 * np.clip(ankle[2] - at[:, 2], -0.02, 0.03)
    tongue = 0.7 * np.clip(at[:, 2] - ankle[2] - 0.02, 0, 0.04)
    return cut_of["shoe"] + heel + tongue - at[:, 1]


def limb(mesh, chosen, along, bins=48):
    """A limb's centre line through the middles of its slices: for each vertex the radial direction and radius."""
    step = np.linspace(along[chosen].min(), along[chosen].max() + 1e-6, bins + 1)
    slot = np.clip(np.searchsorted(step, along, side="right") - 1, 0, bins - 1)
    middle = np.zeros((bins, 3))
    for k in range(bins):
        part = mesh.at[chosen & (np.abs(slot - k) <= 1)]
        middle[k] = (part.max(0) + part.min(0)) / 2 if len(part) else middle[k - 1]
    for _ in range(6):
        middle[1:-1] = middle[1:-1] / 2 + (middle[:-2] + middle[2:]) / 4
    places = (step[1:] + step[:-1]) / 2
    centre = np.stack([np.interp(along, places, middle[:, k]) for k in range(3)], axis=1)
    tangent = unit(np.stack([np.interp(along, places, np.gradient(middle[:, k], places)) for k in range(3)], axis=1))
    arrow = mesh.at - centre
    arrow -= (arrow * tangent).sum(1, keepdims=True) * tangent
    return unit(arrow), np.linalg.norm(arrow, axis=1)


def hang(mesh, chosen, top, slope, centre_z):
    """Radii of a cloth that hangs: nowhere narrower than above, less `slope` times the way down."""
    x, y, z = mesh.at[:, 0], mesh.at[:, 1], mesh.at[:, 2] - centre_z
    angle, radius = np.arctan2(x, z), np.hypot(x, z)
    rows, columns = 60, 72
    low = y[chosen].min()
    row = np.clip(((top - y) / (top - low) * rows).astype(int), 0, rows - 1)
    column = ((angle + np.pi) / (2 * np.pi) * columns).astype(int) % columns
    grid = np.zeros((rows, columns))
    use = chosen & (y <= top)
    np.maximum.at(grid, (row[use], column[use]), radius[use])
    for k in range(rows):
        empty = grid[k] == 0
        if empty.any():
            grid[k] = np.where(empty, np.maximum(np.roll(grid[k], 1), np.roll(grid[k], -1)), grid[k])
            grid[k] = np.where(grid[k] == 0, grid[k - 1] if k else radius[use].min(), grid[k])
    # Cloth spans hollows: it rests on the larger of its neighbours.
    for _ in range(3):
        grid = np.maximum(grid, (np.roll(grid, 1, 1) + np.roll(grid, -1, 1)) / 2)
        grid = np.maximum(grid, (np.roll(grid, 3, 1) + np.roll(grid, -3, 1)) / 2 * 0.985)
    step = (top - low) / rows
    for k in range(1, rows):
        grid[k] = np.maximum(grid[k], grid[k - 1] - slope * step)
    for _ in range(4):
        grid = grid / 2 + (np.roll(grid, 1, 1) + np.roll(grid, -1, 1)) / 4
        grid[1:-1] = grid[1:-1] / 2 + (grid[:-2] + grid[2:]) / 4
    r = np.clip((top - y) / (top - low) * rows - 0.5, 0, rows - 1.001)
    c = ((angle + np.pi) / (2 * np.pi) * columns - 0.5) % columns
    i, j = r.astype(int), c.astype(int)
    fr, fc = r - i, c - j
    value = sum(
        grid[i + a, (j + b) % columns] * (fr if a else 1 - fr) * (fc if b else 1 - fc) for a in (0, 1) for b in (0, 1)
    )
    return radius, value


def settle(mesh, times, least):
    """Smooths the cloth and keeps it `least` above the suit it was cut from."""
    out, rest = mesh.fields["out"], mesh.fields["rest"]
    for _ in range(times):
        mesh.at = smooth(mesh.at, mesh.faces, 1, 0.5)
        gap = ((mesh.at - rest) * out).sum(1)
        mesh.at = mesh.at + out * np.maximum(least - gap, 0)[:, None]


def drape(mesh, fold, least):
    """Adds folds, which rise from the cloth and do not press into the body."""
    normal = normals_of(mesh.at, mesh.faces)
    gap = ((mesh.at - mesh.fields["rest"]) * mesh.fields["out"]).sum(1)
    mesh.at = mesh.at + normal * np.maximum(fold, least - gap)[:, None]


def soften(mesh, times, hold=None):
    """Smooths the skin weights: cloth follows the bones less sharply than skin."""
    mesh.fields["weights"] = smooth(mesh.fields["weights"], mesh.faces, times, 0.6, hold)


def shirt(figure, style, cut_of):
    """Torso and sleeves: let out, hung from the chest, folded at elbow and waist, cut, hemmed."""
    mesh = figure.part("helper-tights", "top")
    at, arm, out = mesh.at, mesh.fields["arm"], mesh.fields["out"]
    keep = at[:, 1] > cut_of["hem"] - 0.06
    upper, whole = figure.arm_length()
    along = figure.along_arm(at)
    fold = np.zeros(len(at))
    # Long sleeves close at the cuff.
    open_ = 1 - style.get("cuff", 0.0) * smoothstep(cut_of["sleeve"] - 0.075, cut_of["sleeve"] - 0.04, along) * (
        arm > 0.5
    )
    ease = style["ease"] * open_
    move = out * (ease + 0.005 * smoothstep(cut_of["hem"] + 0.12, cut_of["hem"] + 0.04, at[:, 1]))[:, None]
    # Torso
    torso = (arm < 0.3) & keep
    centre = figure.joint["spine-2"][2]
    top = figure.joint["l-shoulder"][1] - 0.10
    radius, hung = hang(mesh, torso, top, style["slope"], centre)
    arrow = at - [0, 0, centre]
    arrow[:, 1] = 0
    arrow = unit(arrow)
    share = (1 - smoothstep(0.05, 0.5, arm)) * smoothstep(top, top - 0.12, at[:, 1])
    move += arrow * (np.maximum(hung - radius, 0) * share * style["hang"])[:, None]
    # Sleeves
    for side in (-1, 1):
        chosen = (arm > 0.5) & (at[:, 0] * side > 0)
        around, radius = limb(mesh, chosen, along)
        flare = np.interp(along, [0.0, upper, whole], style["sleeve"])
        flare = flare * smoothstep(0.3, 0.9, arm) * open_
        move += np.where(chosen[:, None], around * flare[:, None], 0)
        # Folds run around the arm, most at the elbow and, on long sleeves, before the cuff.
        height = style["folds"] * (bump(along, upper, 0.07) + 0.5 * bump(along, cut_of["sleeve"] - 0.06, 0.06) + 0.25)
        wave = (
            np.sin(along * 2 * np.pi / 0.055 + 2.2 * noise(at, 0.16, 5))
            * height
            * smoothstep(0.04, 0.10, along)
            * open_
        )
        fold += np.where(chosen, wave, 0)
    folds = noise(at * [1, 0.45, 1] + [0, 0, 0], 0.16, 11) * bump(at[:, 1], cut_of["hem"] + 0.10, 0.16)
    folds += (
        0.6 * noise(at + 0.8 * np.abs(at[:, [1, 0, 2]]), 0.15, 12) * bump(np.abs(at[:, 0]), 0.19, 0.06) * (arm < 0.6)
    )
    # Creases from the armpit across the chest and back, and where the cloth gathers at the waist
    pit = figure.joint["l-shoulder"] - [0.02, 0.10, 0.0]
    from_pit = at * [1, 1, 0] * [np.sign(1.0), 1, 0] - pit * [1, 1, 0]
    from_pit[:, 0] = np.abs(at[:, 0]) - pit[0]
    turn = np.arctan2(from_pit[:, 1], -from_pit[:, 0])
    crease = np.sin(turn * 6.5 + 1.5 * noise(at, 0.2, 13)) * bump(np.hypot(*from_pit[:, :2].T), 0.07, 0.05)
    waist = cut_of["hem"] + 0.14
    gather = np.sin((at[:, 1] + 0.35 * np.abs(at[:, 0])) * 2 * np.pi / 0.062 + 2.4 * noise(at * [1, 0.5, 1], 0.22, 14))
    folds += 0.9 * crease + 0.7 * gather * bump(at[:, 1], waist, 0.075) * smoothstep(0.02, 0.13, np.abs(at[:, 0]))
    fold += folds * style["folds"] * (1 - smoothstep(0.2, 0.8, arm))
    mesh.at = at + move
    settle(mesh, style.get("settle", 3), ease * 0.7)
    drape(mesh, fold, ease * 0.4)
    soften(mesh, 4)
    value = shirt_value(figure, mesh.fields["rest"], mesh.fields["arm"], mesh.fields["head"], cut_of)
    return trim(figure, mesh, value, style)


def trousers(figure, style, cut_of):
    """Legs: straight below the knee, folded behind it and above the shoe."""
    mesh = figure.part("helper-tights", "trousers")
    at, leg, out = mesh.at, mesh.fields["leg"], mesh.fields["out"]
    j = figure.joint
    hip, knee, ankle = j["l-upper-leg"][1], j["l-knee"][1], j["l-ankle"][1]
    y = at[:, 1]
    fold = np.zeros(len(at))
    # Close to the body between the thighs and under the shirt
    close = smoothstep(0.0, 0.05, np.abs(at[:, 0])) * smoothstep(cut_of["hem"] + 0.035, cut_of["hem"] - 0.01, y)
    move = out * style["ease"] * (0.35 + 0.65 * close)[:, None]
    # The seat spans the hollow between the buttocks.
    seat = (mesh.fields["arm"] < 0.3) & (y < cut_of["waist"] + 0.05) & (y > hip - 0.06)
    middle = j["spine-4"][2]
    radius, hung = hang(mesh, seat, cut_of["waist"] + 0.05, 5.0, middle)
    arrow = unit((at - [0, 0, middle]) * [1, 0, 1])
    share = (
        smoothstep(hip - 0.05, hip, y)
        * smoothstep(cut_of["hem"] + 0.03, cut_of["hem"] - 0.01, y)
        * smoothstep(0.0, -0.03, at[:, 2] - middle)
        * (mesh.fields["arm"] < 0.3)
    )
    move += arrow * (np.clip(hung - radius, 0, 0.03) * share * 0.9)[:, None]
    for side in (-1, 1):
        chosen = (leg > 0.5) & (at[:, 0] * side > 0) & (y < hip - 0.10) & (y > ankle - 0.02)
        around, radius = limb(mesh, chosen, -y)
        wide = np.interp(y, [ankle, knee, hip - 0.12], style["radius"])
        share = smoothstep(hip - 0.10, hip - 0.22, y) * smoothstep(ankle - 0.05, ankle, y)
        grow = np.maximum(wide - radius - style["ease"], 0) * share
        knee_fold = bump(y, knee, 0.06) * smoothstep(0.02, -0.05, at[:, 2] - j["l-knee"][2])
        height = style["folds"] * (1.4 * bump(y, ankle + 0.05, 0.06) + 0.9 * knee_fold + 0.3)
        wave = np.sin(y * 2 * np.pi / 0.06 + 2.5 * noise(at, 0.2, 21 + side)) * height * share
        mine = (at[:, 0] * side > 0) & (y < hip - 0.05)
        move += np.where(mine[:, None], around * grow[:, None], 0)
        fold += np.where(mine, wave, 0)
    # Folds that fan out from the crotch
    crotch = bump(y, hip - 0.06, 0.07) * bump(np.abs(at[:, 0]), 0.07, 0.06) * smoothstep(-0.02, 0.06, at[:, 2])
    fold += np.sin((y + 0.9 * np.abs(at[:, 0])) * 2 * np.pi / 0.05) * crotch * style["folds"]
    mesh.at = at + move
    settle(mesh, style.get("settle", 3), style["ease"] * 0.4)
    drape(mesh, fold, style["ease"] * 0.3)
    soften(mesh, 3)
    soften(mesh, 14, np.abs(at[:, 0]) + np.abs(y - hip + 0.07) * 0.8 > 0.09)
    on_leg = (mesh.fields["leg"] > 0.4) & (y < hip - 0.04)
    mesh.at[:, 0] = np.where(
        on_leg & (np.abs(at[:, 0]) > 1e-4), np.sign(at[:, 0]) * np.maximum(np.abs(mesh.at[:, 0]), 0.003), mesh.at[:, 0]
    )
    value = trousers_value(figure, mesh.fields["rest"], mesh.fields["arm"], cut_of)
    return trim(figure, mesh, value, style)


def trim(figure, mesh, value, style):
    """Cuts the cloth where `value` is zero, sets its bands apart and hems everything."""
    rest = mesh.fields["rest"]
    base = np.array(style["colour"])
    shade = 1 + 0.06 * noise(rest, 0.30, 31) + 0.04 * noise(rest, 0.05, 32)
    mesh.fields["colour"] = base * np.clip(shade, 0.8, 1.2)[:, None]
    mesh.fields["value"] = value
    pieces, rim = [], style.get("thick", 0.0022)
    whole = cut(mesh, value)
    band = style.get("band", 0.0)
    if band:
        inner = cut(whole, whole.fields["value"] - band)
        pieces.append(inner)
        edge = cut(whole, band + 0.002 - whole.fields["value"])
        edge.at = edge.at + normals_of(edge.at, edge.faces) * style.get("band_out", 0.0015)
        seam = smoothstep(band - 0.001, band + 0.002, edge.fields["value"])
        edge.fields["colour"] = edge.fields["colour"] * (style.get("band_colour", 0.85) - 0.35 * seam)[:, None]
        pieces.append(edge)
    else:
        pieces.append(whole)
    return [*pieces, hem(pieces[-1], rim, style.get("inside", 0.009))]


def hem(mesh, thick, inside):
    """A strip along every open edge: around the cloth's thickness, then back up on the inner side."""
    sides = border(mesh.faces)
    if "value" in mesh.fields:  # a band's inner edge lies on the cloth
        sides = sides[(mesh.fields["value"][sides] < 0.004).all(1)]
    normal = normals_of(mesh.at, mesh.faces)
    ring, place = np.unique(sides, return_inverse=True)
    place = place.reshape(sides.shape)
    # Into the cloth: across the edge, in the surface.
    along = np.zeros((len(ring), 3))
    for k in range(2):
        np.add.at(along, place[:, k], mesh.at[sides[:, 1]] - mesh.at[sides[:, 0]])
    into = unit(np.cross(normal[ring], unit(along)))
    into = unit(smooth(into, np.stack([place[:, 0], place[:, 1], place[:, 1]], axis=1), 12))
    at, n = mesh.at[ring], normal[ring]
    rows = [at, at - into * thick * 0.5 - n * thick * 0.5, at - n * thick, at - n * thick * 2.2 + into * inside]
    faces = []
    for k in range(len(rows) - 1):
        a, b = place[:, 0] + k * len(ring), place[:, 1] + k * len(ring)
        faces += [np.stack([b, a, a + len(ring)], axis=1), np.stack([b, a + len(ring), b + len(ring)], axis=1)]
    fields = {key: np.concatenate([v[ring]] * len(rows)) for key, v in mesh.fields.items()}
    fields["colour"] = fields["colour"] * np.repeat([0.95, 0.9, 0.7, 0.35], len(ring))[:, None]
    return Mesh(np.concatenate(rows), np.concatenate(faces), fields, mesh.material)


def shoes(figure, style, cut_of):
    """Uppers from the suit's feet, soles from their outline, socks inside."""
    pieces = []
    mesh = figure.part("helper-tights", "shoes")
    sock = figure.part("helper-tights", "socks")
    ankle = figure.joint["l-ankle"]
    rest, out = mesh.at, mesh.fields["out"]
    sock.at = sock.at + sock.fields["out"] * 0.0015
    sock.fields["colour"][:] = style["sock"]
    value = np.minimum(ankle[1] + 0.10 - sock.fields["rest"][:, 1], sock.fields["rest"][:, 1] - SOLE - 0.035)
    pieces.append(cut(sock, np.where(sock.fields["arm"] > 0.5, -1, value)))

    low = smoothstep(ankle[1] + 0.02, SOLE + 0.01, rest[:, 1])
    mesh.at = rest + out * (0.0045 + 0.0025 * low)[:, None]
    keep = rest[:, 1] < ankle[1] + 0.12
    mesh.at = np.where(keep[:, None], smooth(mesh.at, mesh.faces, 6, 0.5), mesh.at)
    gap = ((mesh.at - rest) * out).sum(1)
    mesh.at = mesh.at + out * np.maximum(0.004 - gap, 0)[:, None]
    mesh.at[:, 1] = np.maximum(mesh.at[:, 1], 0.012)
    mesh.fields["colour"][:] = style["colour"]
    front = rest[:, 2] - ankle[2]
    toe = figure.joint["l-foot-1"][2] - ankle[2]
    cap = smoothstep(toe + 0.005, toe + 0.02, front)
    mesh.fields["colour"] = (
        mesh.fields["colour"] * (1 - cap)[:, None] + np.array(style.get("cap", style["colour"])) * cap[:, None]
    )
    value = np.where(mesh.fields["arm"] > 0.5, -1.0, shoe_value(figure, mesh.fields["rest"], cut_of))
    upper = cut(mesh, value)
    pieces += [upper, hem(upper, 0.004, 0.015)]
    for side in (-1, 1):
        chosen = upper.at[:, 0] * side > 0
        points = upper.at[chosen & (upper.at[:, 1] < SOLE + 0.012)]
        pieces.append(sole(points, upper, chosen, style))
    return pieces


def outline(points):
    """The convex outline of points (n, 2), counter-clockwise."""
    points = points[np.lexsort((points[:, 1], points[:, 0]))]

    def half(points):
        chain = []
        for p in points:
            while len(chain) > 1 and np.cross(chain[-1] - chain[-2], p - chain[-2]) <= 0:
                chain.pop()
            chain.append(p)
        return chain[:-1]

    return np.array(half(points) + half(points[::-1]))


def sole(points, upper, chosen, style):
    """A rubber sole: the outline of the foot, waisted at the arch, rounded below."""
    flat = points[:, [0, 2]]
    loop = outline(flat)
    closed = np.concatenate([loop, loop[:1]])
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    at = np.linspace(0, length[-1], 73)[:-1]
    loop = np.stack([np.interp(at, length, closed[:, k]) for k in range(2)], axis=1)
    for _ in range(3):
        loop = loop / 2 + (np.roll(loop, 1, 0) + np.roll(loop, -1, 0)) / 4
    middle = (loop.max(0) + loop.min(0)) / 2
    long = (loop[:, 1] - loop[:, 1].min()) / np.ptp(loop[:, 1])
    # The foot's inner side is hollow before the heel.
    inner = np.sign(middle[0]) * (loop[:, 0] - middle[0]) < 0
    loop[:, 0] -= np.where(inner, 1, 0.3) * 0.16 * (loop[:, 0] - middle[0]) * bump(long, 0.40, 0.16)
    tangent = np.roll(loop, -1, 0) - np.roll(loop, 1, 0)
    outward = unit(np.stack([tangent[:, 1], -tangent[:, 0]], axis=1))
    lift = 0.010 * smoothstep(0.80, 1.0, long)  # the toe springs up
    rings = []
    profile = [
        (SOLE + 0.001, -0.012),
        (SOLE + 0.002, 0.0),
        (SOLE + 0.0015, 0.0018),
        (SOLE - 0.002, 0.0032),
        (0.006, 0.0036),
        (0.0012, 0.001),
        (0.0, -0.005),
    ]
    for y, out in profile:
        ring = loop + outward * out
        low = lift * (1.0 if y < SOLE else 0.8)
        rings.append(np.stack([ring[:, 0], y + low, ring[:, 1]], axis=1))
    n = len(loop)
    vertices = np.concatenate([*rings, [[middle[0], 0.0, middle[1]]]])
    k = np.arange(n)
    nxt = (k + 1) % n
    faces = []
    for r in range(len(rings) - 1):
        a, b, c, d = r * n + k, r * n + nxt, (r + 1) * n + nxt, (r + 1) * n + k
        faces += [np.stack([a, c, b], axis=1), np.stack([a, d, c], axis=1)]
    last = (len(rings) - 1) * n
    faces.append(np.stack([last + k, np.full(n, len(vertices) - 1), last + nxt], axis=1))
    faces = np.concatenate(faces)
    if (normals_of(vertices, faces)[4 * n : 5 * n, [0, 2]] * outward).sum() < 0:
        faces = faces[:, ::-1]
    source = np.flatnonzero(chosen)
    near = source[np.argmin(((vertices[:, None, [0, 2]] - upper.at[None, source][:, :, [0, 2]]) ** 2).sum(2), axis=1)]
    colour = np.tile(np.array(style["sole"]), (len(vertices), 1)) * np.where(vertices[:, 1] < 0.004, 0.6, 1.0)[:, None]
    fields = {key: v[near] for key, v in upper.fields.items()} | {"colour": colour}
    return Mesh(vertices, faces, fields, "soles")


def depth(figure, cut_of):
    """How far the body's vertices lie inside the clothes' edges, metres; negative outside."""
    at = figure.at
    return np.maximum.reduce(
        [
            shirt_value(figure, at, figure.arm, figure.head, cut_of),
            trousers_value(figure, at, figure.arm, cut_of),
            cut_of["ankle"] + 0.06 - at[:, 1],
        ]
    )
