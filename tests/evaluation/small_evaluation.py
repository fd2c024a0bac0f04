"""Small evaluations, as `evaluate` leaves them."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 24
# One pixel without an edge at 200; with one: three at 200, two at 100.
HISTOGRAM = [
    [int(value == 200) for value in range(256)],
    [3 * (value == 200) + 2 * (value == 100) for value in range(256)],
]
# name, bin and hole ratio; the mask is as wide as the ratio says.
PICTURES = [
    ("a", "0-10%", 2 / SIDE),
    ("b", "20-30%", 6 / SIDE),
    ("deep/c", "20-30%", 6 / SIDE),
    ("d", "40-50%", 12 / SIDE),
]


def write_evaluation(
    folder: Path, label: str, error: float, *, edges: bool = False, **changes
) -> Path:
    """Writes a finished evaluation of a system that misses every value by `error`.

    Args:
        folder: to be made; photos and masks are written beside it.
        label: of the system.
        error: 0 to 1, what the hole differs by.
        edges: whether the system draws edges.
        changes: of the manifest.
    """
    sources = folder.parent / "sources"
    generator = np.random.default_rng(7)
    items, lines = [], []
    for name, group, ratio in PICTURES:
        photo = generator.integers(0, 150, (SIDE, SIDE, 3), np.uint8)
        hole = np.zeros((SIDE, SIDE), bool)
        hole[:, : round(ratio * SIDE)] = True
        filled = np.where(hole[..., None], photo + np.uint8(error * 255), photo)
        _save(sources / "photos" / f"{name}.png", photo)
        _save(sources / "masks" / f"{name}.png", np.uint8(255) * hole)
        _save(folder / "filled" / f"{name}.png", filled)
        if edges:
            _save(folder / "edges" / f"{name}.png", np.uint8(255) * hole)
        file = f"{name}.png"
        items.append(
            {"name": name, "bin": group, "hole_ratio": ratio, "image": file}
            | {"mask": file, "image_sha256": "0", "mask_sha256": "1"}
        )
        l1 = 100 * error * ratio * (1.1 if name == "b" else 1)
        figures = {"l1": l1, "psnr": 20 - l1, "ssim": 1 - l1 / 100, "lpips": None}
        histogram = HISTOGRAM if edges else None
        line = {"name": name, **figures, "edge_histogram": histogram, "note": ""}
        lines.append(json.dumps(line) + "\n")
    manifest = {
        "protocol": "standard",
        "size": None,
        "pairing": "by name",
        "bins": [0, 10, 20, 30, 40, 50, 60],
        "versions": {"tf_edgeconnect": "1", "keras": "3"},
        "left_out": [],
        "items": items,
        **changes,
    }
    system = {
        "kind": "predictions",
        "label": label,
        "edges": None,
        "images": str(sources / "photos"),
        "masks": str(sources / "masks"),
    }
    fid = {group: None for _, group, _ in PICTURES} | {"all": 100 * error}
    summary = {
        "fid": fid,
        "missing": {"lpips": "no weights file was given: --lpips-weights FILE"},
        "warnings": ["FID of 4 pictures"],
        "failed": {},
    }
    for name, content in (
        ("manifest", manifest),
        ("system", system),
        ("summary", summary),
    ):
        (folder / f"{name}.json").write_text(json.dumps(content))
    (folder / "images.jsonl").write_text("".join(lines))
    return folder


def _save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
