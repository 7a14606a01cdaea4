"""Joints and skin weights of MakeHuman's rigs, and turning the arms from the A-pose into the T-pose."""

import json

import numpy as np

from .mesh import unit


class Rig:
    """Joints in parent-first order with rest matrices in the model's frame (metres, Y up, facing +Z)."""

    def __init__(self, data, at, name):
        bones = json.loads((data.folder / f"rigs/standard/rig.{name}.json").read_text())
        bones = bones.get("bones", bones)
        source, dense = data.weights(name)
        self.names = []
        while len(self.names) < len(bones):
            self.names += [
                b for b in bones if b not in self.names and (not bones[b]["parent"] or bones[b]["parent"] in self.names)
            ]
        self.parents = [self.names.index(bones[b]["parent"]) if bones[b]["parent"] else -1 for b in self.names]
        self.weights = dense[:, [source.index(b) for b in self.names]]
        self.rest = np.zeros((len(bones), 4, 4))
        self.tails = np.zeros((len(bones), 3))
        ends = {b: [self.place(data, at, bones[b][end]) for end in ("head", "tail")] for b in self.names}
        if "Root" in ends:
            ends["Root"] = [np.zeros(3), np.array([0, 0, 0.1])]
        for k, bone in enumerate(self.names):
            # The vertices that mark the bones are not quite symmetric.
            mirrored = [end * [-1, 1, 1] for end in ends[other_side(bone)]]
            head, tail = ((a + b) / 2 for a, b in zip(ends[bone], mirrored))
            self.rest[k] = matrix(head, tail - head, 0.0 if bone == "Root" else bones[bone]["roll"])
            self.tails[k] = tail

    @staticmethod
    def place(data, at, how):
        """An end of a bone, from the mesh."""
        if how["strategy"] == "CUBE":
            return data.joint(at, how["cube_name"].removeprefix("joint-"))
        if how["strategy"] == "MEAN":
            return at[how["vertex_indices"]].mean(0)
        return at[how["vertex_index"]]

    def head(self, name):
        """Where a joint is."""
        return self.rest[self.names.index(name), :3, 3]

    def turn(self, turns):
        """Turns joints (name -> rotation matrix in the model's frame) with all below them; returns, for every joint,
        the matrix that takes the skin along, and makes the turned pose the rest pose."""
        move = np.tile(np.eye(4), (len(self.names), 1, 1))
        for k, name in enumerate(self.names):
            if self.parents[k] >= 0:
                move[k] = move[self.parents[k]]
            if name in turns:
                about = np.eye(4)
                head = move[k] @ self.rest[k, :, 3]
                about[:3, :3] = turns[name]
                about[:3, 3] = head[:3] - turns[name] @ head[:3]
                move[k] = about @ move[k]
        self.rest = move @ self.rest
        self.tails = np.einsum("kij,kj->ki", move[:, :3, :3], self.tails) + move[:, :3, 3]
        return move


def other_side(bone):
    """The name of the bone on the other side; a bone in the middle is its own."""
    for left, right in (("Left", "Right"), ("_l", "_r"), (".L", ".R")):
        for one, two in ((left, right), (right, left)):
            if len(one) > 2 and one in bone:
                return bone.replace(one, two)
            if len(one) == 2 and bone.endswith(one):
                return bone.removesuffix(one) + two
    return bone


def matrix(head, along, roll):
    """A bone's matrix: Y along the bone, turned about itself by `roll` from the shortest turn that brings Y there.

    MakeHuman gives rolls for a frame with Z up; the axes below are turned into ours at the end.
    """
    z_up = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    y = unit(z_up @ along)
    c = 1 + y[1]
    if c > 1e-6:
        base = np.array(
            [
                [1 - y[0] * y[0] / c, y[0], -y[0] * y[2] / c],
                [-y[0], y[1], -y[2]],
                [-y[0] * y[2] / c, y[2], 1 - y[2] * y[2] / c],
            ]
        )
    else:
        base = np.diag([-1.0, -1.0, 1.0])
    out = np.eye(4)
    out[:3, :3] = z_up.T @ rotation(y, roll) @ base
    out[:3, 3] = head
    return out


def rotation(axis, angle):
    """The rotation about a unit axis, radians."""
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def between(a, b):
    """The shortest rotation that takes direction a to direction b."""
    a, b = unit(np.asarray(a, float)), unit(np.asarray(b, float))
    axis = np.cross(a, b)
    size = np.linalg.norm(axis)
    return rotation(axis / size, np.arctan2(size, a @ b)) if size > 1e-9 else np.eye(3)


def t_pose(rig, names):
    """Turns both arms level. `names` (shoulder, upper arm, lower arm, hand) with {} for the side's word; the
    collarbone takes a small part of the way, as it does when a person lifts the arms."""
    turns = {}
    for side, x in names["sides"]:
        shoulder, upper, lower, hand = (names[k].format(side) for k in ("shoulder", "upper", "lower", "hand"))
        level = np.array([x, 0.0, 0.0])
        lift = rotation(np.array([0, 0, x]), np.radians(7.0))
        arm = lift @ (rig.head(lower) - rig.head(upper))
        turns[shoulder] = lift
        turns[upper] = between(arm, level)
        fore = turns[upper] @ lift @ (rig.head(hand) - rig.head(lower))
        turns[lower] = between(fore, level)
        knuckle = rig.tails[rig.names.index(hand)] - rig.head(hand)
        turns[hand] = between(turns[lower] @ turns[upper] @ lift @ knuckle, level)
    return turns


def skin(at, weights, move):
    """Vertices moved so that linear blend skinning, moving the bones back, brings them exactly to where they were: the
    shape that was modelled is kept where a figure spends its time, and the new rest pose takes the error."""
    back = np.einsum("vk,kij->vij", weights, np.linalg.inv(move))
    return np.linalg.solve(back, np.concatenate([at, np.ones((len(at), 1))], axis=1)[:, :, None])[:, :3, 0]
