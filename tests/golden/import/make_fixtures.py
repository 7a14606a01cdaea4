#!/usr/bin/env python3
"""Makes the files beside it: what the official release consists of, at a small size and with weights from a formula.

    pip install torch==2.11.0 numpy joblib
    python make_fixtures.py

Weights: as `weights_formula` of ../denoiser_full.json says, with names that start with `online.` for the online
copy, so that the two copies differ. The Rust test repeats the formula.
"""

import io
import math
import os
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path

import joblib
import joblib.numpy_pickle
import numpy as np
import torch

HERE = Path(__file__).resolve().parent

WIDTH, LAYERS, ATTENTION, HIDDEN = 16, 2, 8, 24
OBJECT_HIDDEN, OBJECT_WIDTH, TEXT = 4, 8, 512
FEATURES, WINDOW, STEPS = 220, 120, 1000


def formula(name, shape):
    """Values of a tensor, from its name."""
    seed = 0xCBF29CE484222325
    for byte in name.encode():
        seed = (seed ^ byte) * 0x100000001B3 % 2**64
    count = math.prod(shape)
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    u = ((z >> np.uint64(40)).astype(np.float64) / 2**23 - 1).astype(np.float32)
    if len(shape) > 1:
        u = u * np.float32(1 / math.sqrt(math.prod(shape[1:])))
    elif name.endswith("layer_norm.weight"):
        u = np.float32(1) + np.float32(0.1) * u
    else:
        u = np.float32(0.1) * u
    return torch.from_numpy(u.reshape(shape))


def buffers():
    """Constants of the cosine schedule, in the release's order."""
    x = np.linspace(0, STEPS, STEPS + 1, dtype=np.float64)
    curve = np.cos((x / STEPS + 0.008) / 1.008 * np.pi / 2) ** 2
    curve /= curve[0]
    betas = np.clip(1 - curve[1:] / curve[:-1], 0, 0.999)
    product = np.cumprod(1 - betas)
    before = np.concatenate([[1.0], product[:-1]])
    variance = betas * (1 - before) / (1 - product)
    out = OrderedDict(
        betas=betas,
        alphas_cumprod=product,
        alphas_cumprod_prev=before,
        sqrt_alphas_cumprod=np.sqrt(product),
        sqrt_one_minus_alphas_cumprod=np.sqrt(1 - product),
        log_one_minus_alphas_cumprod=np.log(1 - product),
        sqrt_recip_alphas_cumprod=np.sqrt(1 / product),
        sqrt_recipm1_alphas_cumprod=np.sqrt(1 / product - 1),
        posterior_variance=variance,
        posterior_log_variance_clipped=np.log(np.maximum(variance, 1e-20)),
        posterior_mean_coef1=betas * np.sqrt(before) / (1 - product),
        posterior_mean_coef2=(1 - before) * np.sqrt(1 - betas) / (1 - product),
        p2_loss_weight=np.ones(STEPS),
    )
    return OrderedDict((k, torch.tensor(v, dtype=torch.float32)) for k, v in out.items())


def positions():
    p = np.arange(WINDOW + 2)[:, None].astype(np.float64)
    j = np.arange(WIDTH)[None]
    angle = p / 10000 ** (2 * (j // 2) / WIDTH)
    table = np.where(j % 2 == 0, np.sin(angle), np.cos(angle))
    table[0] = 0
    return torch.tensor(table, dtype=torch.float32)


def shapes():
    t = "denoise_fn.motion_transformer."
    yield t + "start_conv", [WIDTH, 2 * FEATURES + OBJECT_WIDTH, 1]
    for i in range(LAYERS):
        layer = f"{t}layer_stack.{i}."
        for part in "qkv":
            yield f"{layer}self_attn.w_{part}", [ATTENTION, WIDTH]
        yield layer + "self_attn.fc", [WIDTH, ATTENTION]
        yield layer + "self_attn.layer_norm", [WIDTH]
        yield layer + "pos_ffn.w_1", [HIDDEN, WIDTH, 1]
        yield layer + "pos_ffn.w_2", [WIDTH, HIDDEN, 1]
        yield layer + "pos_ffn.layer_norm", [WIDTH]
    yield "denoise_fn.linear_out", [FEATURES, WIDTH]
    yield "denoise_fn.time_mlp.1", [256, 64]
    yield "denoise_fn.time_mlp.3", [WIDTH, 256]
    yield "bps_encoder.0", [OBJECT_HIDDEN, 3072]
    yield "bps_encoder.2", [OBJECT_WIDTH, OBJECT_HIDDEN]
    yield "clip_encoder.0", [WIDTH, TEXT]


def state_dict(prefix):
    out = buffers()
    out["denoise_fn.motion_transformer.position_vec.weight"] = positions()
    for name, shape in shapes():
        out[name + ".weight"] = formula(f"{prefix}{name}.weight", shape)
        out[name + ".bias"] = formula(f"{prefix}{name}.bias", shape[:1])
    # What torch.nn.Module.state_dict attaches.
    out._metadata = OrderedDict([("", {"version": 1}), ("bps_encoder", {"version": 1})])
    return out


def checkpoint():
    online, average = state_dict("online."), state_dict("")
    ema = OrderedDict(initted=torch.tensor([1.0]), step=torch.tensor([400001]))
    ema.update((f"online_model.{k}", v) for k, v in online.items())
    ema.update((f"ema_model.{k}", v) for k, v in average.items())
    scaler = {
        "scale": 65536.0,
        "growth_factor": 2.0,
        "backoff_factor": 0.5,
        "growth_interval": 2000,
        "_growth_tracker": 17,
    }
    torch.save({"step": 400000, "model": online, "ema": ema, "scaler": scaler}, HERE / "model.pt")


def kinds():
    """Tensors of every type and layout."""
    base = torch.arange(24, dtype=torch.float32).view(4, 6)
    out = {
        "base": base,
        "transposed": base.t(),
        "columns": base[:, 1:6:2],
        "row": base[2],
        "expanded": base[:, :1].expand(4, 3),
        "scalar": torch.tensor(2.5),
        "empty": torch.zeros(0, 3),
        "parameter": torch.nn.Parameter(torch.tensor([[1.0, -2.0]])),
        "channels_last": torch.arange(24, dtype=torch.float32).view(1, 2, 3, 4).contiguous(memory_format=torch.channels_last),
    }
    for kind in ["half", "bfloat16", "double", "long", "int", "short", "int8", "uint8", "bool"]:
        kind_ = getattr(torch, {"half": "float16", "long": "int64", "int": "int32", "short": "int16"}.get(kind, kind))
        out[kind] = torch.tensor([0, 1, 2, -3], dtype=torch.float32).abs().to(kind_) if kind in ("uint8", "bool") else torch.tensor([0, 1, 2, -3], dtype=kind_)
    torch.save(out, HERE / "kinds.pt")
    # The same as a big-endian machine would write it.
    sizes = {"FloatStorage": 4, "HalfStorage": 2, "BFloat16Storage": 2, "DoubleStorage": 8, "LongStorage": 8,
             "IntStorage": 4, "ShortStorage": 2, "CharStorage": 1, "ByteStorage": 1, "BoolStorage": 1}
    keys = {}

    class Names(pickle.Unpickler):
        def find_class(self, module, name):
            return name if name.endswith("Storage") else (lambda *a: OrderedDict())

        def persistent_load(self, pid):
            keys[pid[2]] = sizes[pid[1]]

    with zipfile.ZipFile(HERE / "kinds.pt") as old, zipfile.ZipFile(HERE / "kinds_big_endian.pt", "w") as new:
        Names(io.BytesIO(old.read("kinds/data.pkl"))).load()
        for name in old.namelist():
            data = old.read(name)
            if name == "kinds/byteorder":
                data = b"big"
            elif name.startswith("kinds/data/"):
                size = keys[name.rsplit("/", 1)[1]]
                data = np.frombuffer(data, f"V{size}").tobytes()
                data = b"".join(data[i:i + size][::-1] for i in range(0, len(data), size))
            new.writestr(zipfile.ZipInfo(name), data)


def basis():
    """The recipe of the released table (specification, section 3), and another table."""
    random = np.random.RandomState(13)
    x = random.normal(size=[1024, 3])
    r = random.uniform(size=[1024, 1])
    points = x / np.linalg.norm(x, axis=1, keepdims=True) * r ** (1 / 3)
    torch.save({"obj": torch.tensor(points, dtype=torch.float32)[None]}, HERE / "bps.pt")
    torch.save(formula("other basis", [1024, 3]), HERE / "bps_other.pt")
    # The form before PyTorch 1.6.
    torch.save({"obj": torch.zeros(1, 4, 3)}, HERE / "bps_legacy.pt", _use_new_zipfile_serialization=False)


def statistics():
    low = formula("jpos", [24, 3]).numpy()
    low = -np.abs(low) - np.float32(0.5)
    com = np.array([-2.0, -1.5, 0.0625], dtype=np.float32)
    values = {
        "global_jpos_min": low.reshape(72),
        "global_jpos_max": (np.arange(72, dtype=np.float32) / 64 + 1),
        "global_jvel_min": np.full(72, -0.125, dtype=np.float32),
        "global_jvel_max": np.full(72, 0.125, dtype=np.float32),
        "obj_com_pos_min": com,
        "obj_com_pos_max": com + 4,
    }
    joblib.dump(values, HERE / "statistics.p")
    joblib.dump(values, HERE / "statistics_zlib.p", compress=3)
    joblib.dump(values, HERE / "statistics_gzip.p", compress=("gzip", 3))
    joblib.dump(values, HERE / "statistics_lzma.p", compress=("lzma", 3))
    # As older versions of joblib wrote it: no alignment.
    wrapper = joblib.numpy_pickle.NumpyPickler._create_array_wrapper

    def unaligned(self, array):
        out = wrapper(self, array)
        out.numpy_array_alignment_bytes = None
        return out

    joblib.numpy_pickle.NumpyPickler._create_array_wrapper = unaligned
    joblib.dump(values, HERE / "statistics_unaligned.p", protocol=3)
    joblib.numpy_pickle.NumpyPickler._create_array_wrapper = wrapper
    # Other shapes, types and orders of the same numbers.
    other = dict(values)
    other["global_jpos_min"] = np.asfortranarray(low.astype(">f4"))
    other["global_jpos_max"] = values["global_jpos_max"].astype(np.float64).reshape(1, 24, 3)
    joblib.dump(other, HERE / "statistics_orders.p")
    for protocol in (2, 4):
        with open(HERE / f"statistics_pickle{protocol}.p", "wb") as file:
            pickle.dump(other, file, protocol=protocol)


def malicious():
    """Files that would run a program when Python loads them."""

    class System:
        def __reduce__(self):
            return os.system, ("echo this must never run > /dev/null",)

    class Evaluate:
        def __reduce__(self):
            return eval, ("1 + 1",)

    torch.save({"step": 1, "ema": System()}, HERE / "malicious.pt")
    joblib.dump({"global_jpos_min": Evaluate()}, HERE / "malicious.p")


if __name__ == "__main__":
    checkpoint()
    kinds()
    basis()
    statistics()
    malicious()
    total = sum(f.stat().st_size for f in HERE.iterdir())
    print(f"{total} bytes")
