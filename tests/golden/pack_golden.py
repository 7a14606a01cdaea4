"""Packs golden files: leaves out random inputs that the tests draw again, bit for bit.

    python3 pack_golden.py SOURCE DESTINATION

SOURCE holds complete `<name>.safetensors` and `<name>.json` pairs. DESTINATION receives the same pairs without the
tensors of RECIPES; in their place the json gains an entry `regenerated`: how to draw each, and the SHA-256 of its
bytes (little-endian float32), so that a wrong draw is noticed. Needs Python 3 only.

The recipes are PyTorch's CPU generator (a 32-bit Mersenne Twister seeded with `seed`, after `skip` words):
  normal:   `torch.randn` on a machine with AVX2, times `scale`;
  uniform:  `Tensor.uniform_(low, high)`, as in the default initialisation of `nn.Linear`.
"""

import hashlib
import json
import math
import struct
import sys
from pathlib import Path

LIMIT = 16_500_000


def normal(seed, skip, scale=1.0):
    return {"distribution": "normal", "seed": seed, "skip": skip, "scale": scale}


def linear(seed, skip, inputs):
    """Default initialisation of a linear layer's weight: uniform within 1/sqrt(inputs)."""
    bound = math.sqrt(3.0) * (math.sqrt(2.0 / 6.0) / math.sqrt(inputs))
    return {"distribution": "uniform", "seed": seed, "skip": skip, "low": -bound, "high": bound}


RECIPES = {
    "weights_small": {
        "bps_encoder.0.weight": linear(7, 0, 3072),
        "bps_encoder.2.weight": linear(7, 512 * 3072 + 512, 512),
    },
    "denoiser_small": {
        "in.x": normal(101, 0),
        "in.cond": normal(101, 52800, 0.5),
    },
    "p_sample": {
        "in.x": normal(103, 0),
        "in.cond": normal(103, 52800, 0.5),
        "in.noise": normal(103, 167168),
    },
    "ddpm_chain": {
        "in.x_T": normal(104, 512),
        "in.noise": normal(104, 26912),
    },
    "ddim_chain": {
        "in.x_T": normal(105, 512),
        "in.noise": normal(105, 26912),
    },
    "losses": {
        "in.noise": normal(106, 1024),
    },
    "long_sequence": {
        "in.x_all": normal(110, 1024),
        "in.noise": normal(110, 51640),
    },
}


def main():
    source, destination = map(Path, sys.argv[1:])
    total = 0
    for path in sorted(source.glob("*.safetensors")):
        data = path.read_bytes()
        (size,) = struct.unpack("<Q", data[:8])
        header = json.loads(data[8 : 8 + size])
        about = json.loads(path.with_suffix(".json").read_text())
        recipes = RECIPES.get(path.stem, {})
        kept, body, regenerated = {}, [], {}
        offset = 0
        if "__metadata__" in header:
            kept["__metadata__"] = header.pop("__metadata__")
        for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
            start, end = entry["data_offsets"]
            values = data[8 + size + start : 8 + size + end]
            if name in recipes:
                assert entry["dtype"] == "F32", name
                regenerated[name] = {
                    "shape": entry["shape"],
                    **recipes[name],
                    "sha256": hashlib.sha256(values).hexdigest(),
                }
                continue
            kept[name] = {**entry, "data_offsets": [offset, offset + len(values)]}
            body.append(values)
            offset += len(values)
        missing = set(recipes) - set(header)
        assert not missing, f"{path.name} lacks {missing}"
        if regenerated:
            about["regenerated"] = regenerated
        head = json.dumps(kept, separators=(",", ":")).encode()
        head += b" " * (-len(head) % 8)
        packed = struct.pack("<Q", len(head)) + head + b"".join(body)
        (destination / path.name).write_bytes(packed)
        text = json.dumps(about, indent=1, ensure_ascii=False) + "\n"
        (destination / path.with_suffix(".json").name).write_text(text)
        total += len(packed) + len(text)
        print(f"{path.name}: {len(data)} -> {len(packed)} bytes, left out {len(regenerated)} tensors")
    print(f"total {total} bytes")
    assert total <= LIMIT, f"over the limit of {LIMIT} bytes"


if __name__ == "__main__":
    main()
