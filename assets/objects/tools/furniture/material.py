"""Materials: what glTF says of them, and the pictures they use. Colours are sRGB here and linear in the file."""
from functools import lru_cache

import numpy as np

from . import picture


def linear(colour):
    """sRGB in 0..1, or as '#rrggbb', to the linear values that glTF factors and vertex colours hold."""
    if isinstance(colour, str):
        colour = [int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)]
    c = np.asarray(colour, float)
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def srgb(text):
    return [int(text[i:i + 2], 16) / 255 for i in (1, 3, 5)]


@lru_cache(None)
def _grain():
    return picture.steps(picture.grain(), 40)


@lru_cache(None)
def wood(*colours):
    return picture.png(_grain(), picture.ramp([srgb(c) for c in colours], 40))


@lru_cache(None)
def cloth(dark, light, seed):
    height, shade = picture.weave(seed=seed)
    # Weak contrast: without smaller copies of the picture, strong threads would flicker from afar.
    value = 0.30 + 0.26 * picture.soften(height, 2) + 0.24 * shade
    return picture.png(picture.steps(value, 24), picture.ramp([srgb(dark), srgb(light)], 24))


@lru_cache(None)
def cloth_normals():
    index, palette = picture.normals(picture.soften(picture.weave()[0], 3), 1.3)
    return picture.png(index, palette)


@lru_cache(None)
def cardboard():
    size = 256
    fibre = picture.noise(size, size, 96, 24, 21, 2) * 0.5 + picture.noise(size, size, 4, 3, 22, 2) * 0.5
    flutes = np.sin(np.arange(size) / size * 2 * np.pi * 32)[:, None]
    specks = np.maximum(picture.noise(size, size, 90, 90, 23) - 0.62, 0)
    value = np.clip(0.58 + 0.13 * fibre + 0.06 * flutes - 0.5 * specks, 0, 1)
    return picture.png(picture.steps(value, 24), picture.ramp([srgb("#7d5e3e"), srgb("#a98259"), srgb("#bb966b")], 24))


@lru_cache(None)
def rug():
    """A woven rug seen from above: border, stripes and lozenges, not tileable."""
    height, width = 256, 512
    y, x = np.mgrid[0:height, 0:width]
    # Pixels are higher than wide: the rug is not twice as long as it is wide.
    tall = 340 / height
    y, height = y * tall, height * tall
    edge = np.minimum(np.minimum(x, width - 1 - x), np.minimum(y, height - 1 - y))
    value = np.zeros(x.shape, int)
    # Steps of 4 pixels: yarn does not draw finer.
    u, v = (x // 4) * 4 + 2 - width / 2, (y // 4) * 4 + 2 - height / 2
    lozenge = (np.abs((u / 64 + 0.5) % 1 - 0.5) + np.abs((v / 64 + 0.5) % 1 - 0.5))
    value[(lozenge < 0.46)] = 1
    value[(lozenge < 0.30)] = 2
    value[(lozenge < 0.14)] = 3
    value[edge < 40] = 3
    value[edge < 32] = 0
    value[(edge < 32) & (edge >= 12) & (((u // 8 + v // 8) % 4) < 1)] = 2
    value[edge < 10] = 3
    colours = [srgb(c) for c in ("#d9cdb8", "#7d8f92", "#b5694a", "#3f4f5c")]
    yarn = picture.noise(*x.shape, 100, 170, 31) * 0.6 + picture.noise(*x.shape, 256, 30, 33) * 0.4
    shade = picture.steps(yarn * 0.5 + 0.5, 5)
    palette = [np.array(c) * (0.90 + 0.045 * s) for c in colours for s in range(5)]
    return picture.png(value * 5 + shade, palette)


@lru_cache(None)
def print_(kind):
    """A framed print: hills and a sun, or leaves of a plant; flat colours."""
    size = 256
    y, x = np.mgrid[0:size, 0:size] / (size - 1)
    if kind == "hills":
        colours = ["#efe4d0", "#d98a5b", "#e8c9a0", "#b5694a", "#6f7f74", "#3f4f5c"]
        value = np.zeros((size, size), int)
        value[(x - 0.62) ** 2 + (y - 0.36) ** 2 < 0.03] = 1
        value[y > 0.52 + 0.10 * np.sin(4 * x + 0.4)] = 2
        value[y > 0.63 + 0.09 * np.sin(5 * x + 2.6)] = 3
        value[y > 0.75 + 0.06 * np.sin(6 * x + 1.0)] = 4
        value[y > 0.88 + 0.04 * np.sin(5 * x + 3.4)] = 5
    else:
        colours = ["#f1ece1", "#5d7058", "#8da285", "#c98f63"]
        value = np.zeros((size, size), int)
        value[(np.abs(x - 0.5 - 0.03 * np.sin(5 * y)) < 0.008) & (y > 0.16) & (y < 0.92)] = 1
        for k in range(7):
            for side in (-1, 1):
                cx, cy = 0.5 + side * (0.13 + 0.012 * k), 0.22 + 0.09 * k
                a, b = (x - cx) * side, y - cy
                along, across = 0.86 * a - 0.5 * b, 0.5 * a + 0.86 * b
                value[(along / (0.10 + 0.012 * k)) ** 2 + (across / 0.036) ** 2 < 1] = 1 + (k + (side > 0)) % 2
        value[(x - 0.5) ** 2 + (y - 0.12) ** 2 < 0.0016] = 3
    return picture.png(value, [srgb(c) for c in colours])


def plain(colour, roughness, metallic=0.0, **more):
    return {"colour": [*linear(colour), 1.0], "roughness": roughness, "metallic": metallic, **more}


def textured(make, metres, roughness, **more):
    """`metres`: how much of the surface one picture covers, along u and v."""
    return {"colour": [1.0, 1.0, 1.0, 1.0], "roughness": roughness, "metallic": 0.0, "picture": make, "metres": metres, **more}


GRAIN = (1.1, 0.42)
WEAVE = (0.09, 0.09)
MATERIALS = {
    "oak": textured(lambda: wood("#8f6b45", "#b48a5c", "#c9a274"), GRAIN, 0.52),
    "walnut": textured(lambda: wood("#3c2618", "#5f4029", "#7b573a"), GRAIN, 0.48),
    "beech": textured(lambda: wood("#a87c52", "#c79a6b", "#d9b285"), GRAIN, 0.5),
    "planks": textured(lambda: wood("#7a5a3c", "#a07a53", "#b8926a"), GRAIN, 0.42),
    "black metal": plain("#1d1e20", 0.45, 0.6),
    "steel": plain("#c3c6c9", 0.28, 1.0),
    "brass": plain("#c9a25e", 0.30, 1.0),
    "linen": textured(lambda: cloth("#d8cbb2", "#f3ead8", 5), WEAVE, 0.95, normal=cloth_normals,
                      glow=[0.42, 0.31, 0.18]),
    "lining": plain("#fff3dc", 0.9, glow=[2.6, 2.0, 1.25]),
    "bulb": plain("#fff6e8", 0.3, glow=[9.0, 7.2, 4.9]),
    "grey fabric": textured(lambda: cloth("#5a646b", "#87929a", 7), WEAVE, 0.95, normal=cloth_normals),
    "mustard fabric": textured(lambda: cloth("#a5762a", "#d3a24a", 8), WEAVE, 0.95, normal=cloth_normals),
    "cream fabric": textured(lambda: cloth("#cfc4b0", "#ece4d4", 6), WEAVE, 0.95, normal=cloth_normals),
    "cardboard": textured(cardboard, (0.32, 0.32), 0.88),
    "tape": plain("#a5793d", 0.25),
    "label": plain("#ece8df", 0.7),
    "print": plain("#3a3128", 0.8),
    "dark gap": plain("#2a2018", 0.95),
    "subfloor": plain("#4d3622", 0.95),
    "shell": plain("#1f4e5a", 0.38),
    "black plastic": plain("#191a1c", 0.5),
    "grey plastic": plain("#5d6166", 0.55),
    "green plastic": plain("#4d6b5c", 0.45),
    "blue plastic": plain("#5b7f9c", 0.40),
    "standby": plain("#e8eef2", 0.5, glow=[1.2, 1.6, 2.0]),
    "white plastic": plain("#e6e5e1", 0.42),
    "rubber": plain("#131313", 0.85),
    "screen": plain("#07080a", 0.12),
    "tinted": plain("#ffffff", 0.62),
    "paper": plain("#ece4d2", 0.9),
    "rug": textured(rug, (1.0, 1.0), 1.0),
    "hills": textured(lambda: print_("hills"), (1.0, 1.0), 0.7),
    "leaves": textured(lambda: print_("leaves"), (1.0, 1.0), 0.7),
    "wall paint": plain("#e3ddd0", 0.92),
    "accent paint": plain("#8fa09a", 0.92),
    "ceiling paint": plain("#f1eee8", 0.95),
    "curtain": textured(lambda: cloth("#b9c0bd", "#dfe3df", 11), WEAVE, 0.95, normal=cloth_normals),
    "white paint": plain("#efece5", 0.5),
    "terracotta": plain("#b0674a", 0.8),
    "soil": plain("#33261c", 1.0),
    "leaf": plain("#3f6b3a", 0.5),
}
