"""Small tileable pictures, as PNG with a palette: a quarter of the size of plain colour, and read by every engine."""
import struct
import zlib

import numpy as np


def png(index, palette):
    """Bytes of a picture of palette indices. `palette`: rows of sRGB in 0..1."""
    height, width = index.shape
    colours = np.clip(np.round(np.asarray(palette) * 255), 0, 255).astype(np.uint8)
    assert len(colours) <= 256 and index.max() < len(colours)
    rows = np.zeros((height, width + 1), np.uint8)
    rows[:, 1:] = index
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">2I5B", width, height, 8, 3, 0, 0, 0))
            + chunk(b"PLTE", colours.tobytes()) + chunk(b"IDAT", zlib.compress(rows.tobytes(), 9)) + chunk(b"IEND", b""))


def steps(value, count):
    """Values of 0..1 as indices of `count` palette entries."""
    return np.clip((value * count).astype(int), 0, count - 1)


def ramp(colours, count):
    """A palette of `count` entries that passes through the given sRGB colours."""
    colours = np.array(colours, float)
    at = np.linspace(0, len(colours) - 1, count)
    return np.stack([np.interp(at, np.arange(len(colours)), colours[:, k]) for k in range(3)], -1)


def noise(height, width, rows, columns, seed, octaves=1):
    """Smooth tileable noise about 0 with `rows` x `columns` cells, each octave finer by two and weaker by two."""
    random = np.random.Generator(np.random.PCG64(seed))
    out, weight = np.zeros((height, width)), 1.0
    for _ in range(octaves):
        grid = random.random((rows, columns)) * 2 - 1
        y = np.arange(height) / height * rows
        x = np.arange(width) / width * columns
        i, j = y.astype(int), x.astype(int)
        fade = lambda f: f * f * f * (f * (f * 6 - 15) + 10)
        v, u = fade(y - i)[:, None], fade(x - j)[None]
        corner = lambda a, b: grid[np.ix_((i + a) % rows, (j + b) % columns)]
        out += weight * ((corner(0, 0) * (1 - u) + corner(0, 1) * u) * (1 - v)
                         + (corner(1, 0) * (1 - u) + corner(1, 1) * u) * v)
        rows, columns, weight = rows * 2, columns * 2, weight / 2
    return out


def sampled(picture, y, x):
    """A tileable picture read at fractional places, linearly."""
    height, width = picture.shape
    i, j = np.floor(y).astype(int), np.floor(x).astype(int)
    v, u = y - i, x - j
    at = lambda a, b: picture[(i + a) % height, (j + b) % width]
    return (at(0, 0) * (1 - u) + at(0, 1) * u) * (1 - v) + (at(1, 0) * (1 - u) + at(1, 1) * u) * v


def grain(height=256, width=512, seed=3):
    """Wood along x: growth rings that wander, pores, broad light and dark. 0 dark to 1 light."""
    y, x = np.mgrid[0:height, 0:width].astype(float)
    wander = noise(height, width, 3, 2, seed, 3) * 26 + noise(height, width, 12, 3, seed + 1, 2) * 4
    rings = noise(height, 8, 26, 1, seed + 2, 2)
    rings = sampled(rings, y + wander, x * 0)
    broad = noise(height, width, 2, 1, seed + 3, 2)
    fibre = noise(height, width, 96, 10, seed + 4, 1)
    pores = np.maximum(noise(height, width, 80, 14, seed + 5, 1) - 0.55, 0)
    return np.clip(0.56 + 0.26 * rings + 0.16 * broad + 0.07 * fibre - 0.55 * pores, 0, 1)


def weave(size=128, threads=16, seed=9):
    """Plain weave: height of the threads in 0..1, and how light each thread is."""
    y, x = np.mgrid[0:size, 0:size] / size * threads
    over = (np.floor(x) + np.floor(y)) % 2
    random = np.random.Generator(np.random.PCG64(seed))
    warp, weft = random.random(threads), random.random(threads)
    round_ = lambda f: np.sqrt(np.maximum(1 - (2 * (f % 1) - 1) ** 2, 0))
    along = lambda f: np.sin(np.pi * (f % 1))
    a = round_(x) * (0.55 + 0.45 * along(y)) * (over == 0)
    b = round_(y) * (0.55 + 0.45 * along(x)) * (over == 1)
    shade = np.where(over == 0, warp[np.floor(x).astype(int)], weft[np.floor(y).astype(int)])
    return a + b, shade


def soften(picture, times=1):
    """Tileable smoothing."""
    for _ in range(times):
        for axis in (0, 1):
            picture = (np.roll(picture, 1, axis) + 2 * picture + np.roll(picture, -1, axis)) / 4
    return picture


def normals(height, strength, levels=15):
    """A normal map (glTF: y up the picture) of a tileable height field, as indices and palette."""
    dx = (np.roll(height, -1, 1) - np.roll(height, 1, 1)) * strength
    dy = (np.roll(height, 1, 0) - np.roll(height, -1, 0)) * strength
    limit = lambda d: np.clip(np.round(d / np.sqrt(1 + dx * dx + dy * dy) * (levels // 2) / 0.75), -(levels // 2),
                              levels // 2).astype(int)
    # glTF's v runs down the picture and its green up: the slope towards larger rows is negated above.
    index = (limit(-dx) + levels // 2) * levels + limit(-dy) + levels // 2
    a, b = np.divmod(np.arange(levels * levels), levels)
    nx, ny = (a - levels // 2) / (levels // 2) * 0.75, (b - levels // 2) / (levels // 2) * 0.75
    nz = np.sqrt(np.maximum(1 - nx * nx - ny * ny, 0.05))
    n = np.stack([nx, ny, nz], -1)
    n /= np.linalg.norm(n, axis=1, keepdims=True)
    return index, n * 0.5 + 0.5
