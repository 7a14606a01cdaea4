"""Boxes with rounded edges, turned bodies, bodies swept along a path, slabs with openings."""
import numpy as np

from .shape import Shape


def box(sx, sy, sz, r=0.002, k=0, inner=(1, 1, 1), grain=None):
    """A box about the origin whose edges are rounded with radius `r`. `k` = 0 makes one smoothly shaded strip along each
    edge, more makes 2k strips. `inner` divides the flat parts, for later deformation. Surface coordinates: u runs along
    the axis `grain` (0, 1, 2; the longest one by default)."""
    size = np.array([sx, sy, sz], float)
    r = min(r, size.min() * 0.499)
    grain = int(np.argmax(size)) if grain is None else grain
    core = size / 2 - r
    if k == 0:
        rows = lambda a: np.linspace(-core[a], core[a], inner[a] + 1)
        lift = None
    else:
        angle = np.arange(1, k + 1) / k * (np.pi / 4)
        # Points on the outer box that, pushed to the rounded one, divide each arc evenly.
        rim = r * np.tan(angle)
        rows = lambda a: np.concatenate([-core[a] - rim[::-1], np.linspace(-core[a], core[a], inner[a] + 1),
                                         core[a] + rim])
        lift = True
    p, n, uv, t = [], [], [], []
    base = 0
    faces = {}
    for axis in range(3):
        b, c = (axis + 1) % 3, (axis + 2) % 3
        rb, rc = rows(b), rows(c)
        for side in (-1, 1):
            grid = np.zeros((len(rb), len(rc), 3))
            grid[..., b], grid[..., c] = np.meshgrid(rb, rc, indexing="ij")
            normal = np.zeros_like(grid)
            if lift:
                grid[..., axis] = side * size[axis] / 2
                inside = np.clip(grid, -core, core)
                normal = grid - inside
                normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
                grid = inside + r * normal
            else:
                normal[..., axis] = side
                grid[..., axis] = side * size[axis] / 2
            along, across = (b, c) if b == grain else (c, b)
            uv.append(np.stack([grid[..., along] + size[along] / 2,
                                grid[..., across] + size[across] / 2 + (size[axis] if side > 0 else 0)], -1).reshape(-1, 2))
            i = np.arange(len(rb) * len(rc)).reshape(len(rb), len(rc)) + base
            faces[axis, side] = (i, b, c)
            q = np.stack([i[:-1, :-1], i[1:, :-1], i[1:, 1:], i[:-1, 1:]], -1).reshape(-1, 4)
            t.append(_halves(q if side > 0 else q[:, ::-1]))
            p.append(grid.reshape(-1, 3))
            n.append(normal.reshape(-1, 3))
            base += i.size
    if not lift:
        t.append(_chamfers(faces))
    return Shape(np.concatenate(p), np.concatenate(n), np.concatenate(uv), np.concatenate(t))


def _halves(quads):
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])


def _chamfers(faces):
    """Strips between the faces of a box with simple edges, and its corner triangles."""
    def border(axis, side, other, end):
        """Vertices of a face beside the face (other, end), in the order of the third axis."""
        i, b, _ = faces[axis, side]
        last = 0 if end < 0 else -1
        return i[last, :] if other == b else i[:, last]

    out = []
    for a in range(3):
        b, c = (a + 1) % 3, (a + 2) % 3
        for sa in (-1, 1):
            for sb in (-1, 1):
                one, two = border(a, sa, b, sb), border(b, sb, a, sa)
                q = np.stack([one[:-1], two[:-1], two[1:], one[1:]], -1)
                out.append(_halves(q if sa * sb > 0 else q[:, ::-1]))
    for sx in (-1, 1):
        for sy in (-1, 1):
            for sz in (-1, 1):
                corner = [faces[0, sx][0][0 if sy < 0 else -1, 0 if sz < 0 else -1],
                          faces[1, sy][0][0 if sz < 0 else -1, 0 if sx < 0 else -1],
                          faces[2, sz][0][0 if sx < 0 else -1, 0 if sy < 0 else -1]]
                out.append(np.array([corner if sx * sy * sz > 0 else corner[::-1]]))
    return np.concatenate(out)


def rounded(points, closed, arc=4):
    """A line in the plane with rounded corners. `points`: (x, y, radius); a radius of 0 keeps the corner sharp. Gives
    points, normals on the right of the way, and where along the way each lies; sharp corners come twice."""
    xy = np.array([q[:2] for q in points], float)
    radius = [q[2] if len(q) > 2 else 0.0 for q in points]
    count = len(xy)
    step = np.roll(xy, -1, 0) - xy
    length = np.linalg.norm(step, axis=1)
    ways = step / np.maximum(length, 1e-12)[:, None]
    right = lambda d: np.array([d[1], -d[0]])
    p, n = [], []
    for i in range(count):
        before, after = ways[i - 1], ways[i]
        if not closed and i == 0:
            p.append(xy[i]), n.append(right(after))
            continue
        if not closed and i == count - 1:
            p.append(xy[i]), n.append(right(before))
            continue
        cross = before[0] * after[1] - before[1] * after[0]
        turn = np.arctan2(cross, before @ after)
        if radius[i] <= 0 or abs(turn) < 1e-6:
            p += [xy[i], xy[i]]
            n += [right(before), right(after)]
            continue
        cut = min(radius[i] * np.tan(abs(turn) / 2), 0.499 * length[i - 1], 0.499 * length[i])
        r = cut / np.tan(abs(turn) / 2)
        centre = xy[i] - before * cut - np.sign(turn) * r * right(before)
        for s in range(arc + 1):
            a = turn * s / arc
            c, q = np.cos(a), np.sin(a)
            m = np.array([[c, -q], [q, c]]) @ right(before)
            p.append(centre + np.sign(turn) * r * m), n.append(m)
    p, n = np.array(p), np.array(n)
    if closed:
        p, n = np.concatenate([p, p[:1]]), np.concatenate([n, n[:1]])
    way = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(p, axis=0), axis=1))])
    return p, n, way


def lathe(profile, segments=32, closed=False, arc=4):
    """A body turned about the y axis. `profile`: (radius, y, rounding) from below to above with the outside on its
    right; open profiles begin and end on the axis, closed ones are rings."""
    q, m, way = rounded(profile, closed, arc)
    angle = np.linspace(0, 2 * np.pi, segments + 1)
    s, c = np.sin(angle), np.cos(angle)
    # Exact closure: the seam's two sides must be the same numbers.
    s[-1], c[-1] = s[0], c[0]
    p = np.stack([q[:, :1] * s, np.repeat(q[:, 1:], segments + 1, 1), q[:, :1] * c], -1)
    n = np.stack([m[:, :1] * s, np.repeat(m[:, 1:], segments + 1, 1), m[:, :1] * c], -1)
    uv = np.stack(np.broadcast_arrays(angle[None] * np.abs(q[:, 0]).max(), way[:, None]), -1)
    return _clean(Shape(p, n, uv, _grid(len(q), segments + 1)))


def _grid(rows, columns):
    i = np.arange(rows * columns).reshape(rows, columns)
    return _halves(np.stack([i[:-1, :-1], i[:-1, 1:], i[1:, 1:], i[1:, :-1]], -1).reshape(-1, 4))


def _clean(shape):
    """Without triangles that have no area."""
    a, b, c = (shape.p[shape.t[:, k]] for k in range(3))
    keep = np.linalg.norm(np.cross(b - a, c - a), axis=1) > 1e-12
    return shape.like(shape.p, t=shape.t[keep])


def circle(r, segments=12):
    """A round section for `sweep`."""
    a = np.linspace(0, 2 * np.pi, segments + 1)
    n = np.stack([np.cos(a), np.sin(a)], -1)
    n[-1] = n[0]
    return n * r, n, a * r


def oblong(w, h, r, arc=2):
    """A rectangular section with rounded corners for `sweep`."""
    w, h = w / 2, h / 2
    return rounded([(w, -h, r), (w, h, r), (-w, h, r), (-w, -h, r)], True, arc)


def bent(points, radius, arc=6):
    """A path in space with rounded corners."""
    points = np.array(points, float)
    out = [points[0]]
    for a, b, c in zip(points, points[1:], points[2:]):
        u, v = (a - b) / np.linalg.norm(a - b), (c - b) / np.linalg.norm(c - b)
        half = np.arccos(np.clip(u @ v, -1, 1)) / 2
        cut = min(radius / np.tan(half), 0.49 * np.linalg.norm(a - b), 0.49 * np.linalg.norm(c - b))
        r = cut * np.tan(half)
        middle = (u + v) / np.linalg.norm(u + v)
        centre = b + middle * (r / np.sin(half))
        e = b + u * cut - centre
        f = b + v * cut - centre
        sweep_angle = np.pi - 2 * half
        for s in range(arc + 1):
            x = sweep_angle * s / arc
            out.append(centre + (np.sin(sweep_angle - x) * e + np.sin(x) * f) / np.sin(sweep_angle))
    out.append(points[-1])
    return np.array(out)


def sweep(section, path, up=(0, 0, 1), ends=0.0, scale=None, loop=False, arc=3):
    """A section swept along a path. The section's x runs along `up` as far as the path allows; its y completes the
    frame (x, y, way). `ends` rounds the rims of both ends; `scale` is one factor or pair of factors for each point."""
    q, m, around = section
    path = np.asarray(path, float)
    count = len(path)
    if loop:
        ahead = np.roll(path, -1, 0) - np.roll(path, 1, 0)
    else:
        ahead = np.gradient(path, axis=0)
        if count > 2:
            # Central differences weigh long neighbours more; the bisector keeps tubes round at unequal steps.
            step = np.diff(path, axis=0)
            step /= np.linalg.norm(step, axis=1, keepdims=True)
            ahead[1:-1] = step[1:] + step[:-1]
    way = ahead / np.linalg.norm(ahead, axis=1, keepdims=True)
    u = np.zeros_like(path)
    first = np.asarray(up, float)
    for i in range(count):
        first = first - way[i] * (first @ way[i])
        first = first / np.linalg.norm(first)
        u[i] = first
    v = np.cross(way, u)
    size = np.ones((count, 2)) if scale is None else np.broadcast_to(
        np.asarray(scale, float).reshape(count, -1), (count, 2))
    rows = [(i, 0.0, 0.0, 0.0) for i in range(count)]
    if not loop:
        turn = np.arange(arc + 1) / arc * (np.pi / 2) if ends > 0 else np.array([0.0])
        # (point, along the way, inset, tilt of the normal)
        first = [(0, ends * (1 - np.sin(a)), ends * (1 - np.cos(a)), -a) for a in turn[::-1]]
        last = [(count - 1, -ends * (1 - np.sin(a)), ends * (1 - np.cos(a)), a) for a in turn]
        rows = first + rows[1:-1] + last
    p, n, uv = [], [], []
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    for i, forward, inset, tilt in rows:
        flat = q * size[i] - m * inset
        p.append(path[i] + way[i] * forward + flat[:, :1] * u[i] + flat[:, 1:] * v[i])
        side = m / np.maximum(size[i], 1e-6) if scale is not None else m
        side = side / np.linalg.norm(side, axis=1, keepdims=True)
        n.append((side[:, :1] * u[i] + side[:, 1:] * v[i]) * np.cos(tilt) + way[i] * np.sin(tilt))
        uv.append(np.stack([np.full(len(q), along[i] + forward), around], -1))
    if loop:
        p, n = p + p[:1], n + n[:1]
        total = along[-1] + np.linalg.norm(path[0] - path[-1])
        uv.append(np.stack([np.full(len(q), total), around], -1))
    t = [_grid(len(p), len(q))]
    if not loop:
        for end, row in ((0, p[0]), (-1, p[-1])):
            base = len(p) * len(q) if end == 0 else (len(p) + 1) * len(q)
            flat = np.stack([row @ u[end], row @ v[end]], -1)
            cap = np.array(ears(flat)) + base
            t.append(cap[:, ::-1] if end == 0 else cap)
        p, n = p + [p[0], p[-1]], n + [np.tile(-way[0], (len(q), 1)), np.tile(way[-1], (len(q), 1))]
        uv += [np.stack([p[0] @ u[0], p[0] @ v[0]], -1), np.stack([p[-3] @ u[-1], p[-3] @ v[-1]], -1)]
    return _clean(Shape(np.concatenate(p), np.concatenate(n), np.concatenate(uv), np.concatenate(t)))


def ears(polygon):
    """Triangles of a simple polygon that runs counter-clockwise; a point may be repeated."""
    index = [0]
    for i in range(1, len(polygon)):
        if np.linalg.norm(polygon[i] - polygon[index[-1]]) > 1e-9:
            index.append(i)
    if np.linalg.norm(polygon[index[-1]] - polygon[0]) < 1e-9:
        index.pop()
    cross = lambda a, b, c: (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    out = []
    while len(index) > 3:
        best, at = None, None
        for k in range(len(index)):
            a, b, c = (polygon[index[(k + d) % len(index)]] for d in (-1, 0, 1))
            if cross(a, b, c) <= 1e-14:
                continue
            others = (polygon[j] for j in index if j not in (index[k - 1], index[k], index[(k + 1) % len(index)]))
            if any(cross(a, b, o) >= 0 and cross(b, c, o) >= 0 and cross(c, a, o) >= 0 for o in others):
                continue
            # The ear with the shortest cut avoids slivers.
            cut = np.linalg.norm(c - a)
            if best is None or cut < best - 1e-9:
                best, at = cut, k
        if at is None:
            at = 0
        out.append((index[at - 1], index[at], index[(at + 1) % len(index)]))
        index.pop(at)
    out.append(tuple(index))
    return out


def slab(width, height, depth, opening=None):
    """A wall from x = 0 to `width`, y = 0 to `height`, z = -`depth` to 0, sharp edged. `opening`: (x0, y0, x1, y1) cut
    through it; one that begins at y = 0 is a doorway."""
    if opening is None:
        opening = (width, height, width, height)
    x0, y0, x1, y1 = opening
    xs = [v for v in dict.fromkeys([0.0, x0, x1, width])]
    ys = [v for v in dict.fromkeys([0.0, y0, y1, height])]
    solid = lambda i, j: (0 <= i < len(xs) - 1 and 0 <= j < len(ys) - 1 and not (
        x0 <= (xs[i] + xs[i + 1]) / 2 <= x1 and y0 <= (ys[j] + ys[j + 1]) / 2 <= y1))
    p, n, uv, t = [], [], [], []

    def quad(corners, normal, coordinates):
        base = len(p)
        p.extend(corners), n.extend([normal] * 4), uv.extend(coordinates)
        t.extend([(base, base + 1, base + 2), (base, base + 2, base + 3)])

    for i in range(len(xs) - 1):
        for j in range(len(ys) - 1):
            if not solid(i, j):
                continue
            a, b, c, d = xs[i], xs[i + 1], ys[j], ys[j + 1]
            flat = [(a, c), (b, c), (b, d), (a, d)]
            quad([(x, y, 0) for x, y in flat], (0, 0, 1), flat)
            quad([(x, y, -depth) for x, y in flat[::-1]], (0, 0, -1), flat[::-1])
            sides = [((i - 1, j), (a, d), (a, c), (-1, 0, 0)), ((i + 1, j), (b, c), (b, d), (1, 0, 0)),
                     ((i, j - 1), (a, c), (b, c), (0, -1, 0)), ((i, j + 1), (b, d), (a, d), (0, 1, 0))]
            for beside, f, g, normal in sides:
                if not solid(*beside):
                    long = np.hypot(f[0] - g[0], f[1] - g[1])
                    quad([(*f, -depth), (*g, -depth), (*g, 0), (*f, 0)], normal,
                         [(0, 0), (long, 0), (long, depth), (0, depth)])
    return Shape(p, n, uv, t)
