"""FID and LPIPS beside their golden figures.

FID of the first 200 photos of one folder against the first 200 of another, each cropped
to its centre square, as the golden figure was made (`evaluate` resizes whole pictures);
LPIPS of three small pictures.

    python benchmarks/perceptual_metrics.py --shared ../shared

Ends with 1 if FID is more than 1 % off, or LPIPS more than 0.002. It takes about two
minutes on two CPU cores.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
from PIL import Image

from tf_edgeconnect.metrics.fid import FidFeatures, frechet_distance
from tf_edgeconnect.metrics.lpips import Lpips

FID_LIMIT = 0.01  # relative
LPIPS_LIMIT = 0.002
PHOTOS = 200


def main() -> int:
    """Prints each figure, the golden one and the difference."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--shared", type=Path, required=True, help="folder of data, weights and golden"
    )
    shared = parser.parse_args().shared
    golden = json.loads((shared / "golden" / "perceptual_metrics.json").read_text())
    good = [*lpips(shared, golden["lpips_alex"]), fid(shared, golden)]
    return 0 if all(good) else 1


def lpips(shared: Path, golden: dict[str, float]) -> list[bool]:
    """Compares two pictures with a third."""
    measure = Lpips(shared / "weights" / "lpips_alexnet.npz")
    folder, good = shared / "golden" / "lpips", []
    target = read(folder / "ex_ref.png")[None] / 255
    for name, expected in golden.items():
        found = measure(target, read(folder / f"{name}.png")[None] / 255)[0]
        good.append(report(f"LPIPS {name}", found, expected, LPIPS_LIMIT))
    return good


def fid(shared: Path, golden: dict) -> bool:
    """Compares two folders of photos."""
    start = time.monotonic()
    features = FidFeatures(shared / "weights" / "inception_fid_2015_fp16.npz")
    sets = []
    for name in ("bsds500", "imagenet_sample"):
        folder = shared / "data" / "photos" / "train" / name
        paths = sorted(folder.iterdir())[:PHOTOS]
        sets.append(features([centre_square(read(path)) for path in paths]))
    distance = frechet_distance(*sets)
    expected = golden["fid_first200_bsds500_train_vs_first200_imagenet_sample_train"]
    good = report("FID", distance, expected, FID_LIMIT * expected)
    print(f"{2 * PHOTOS} pictures in {time.monotonic() - start:.0f} s")
    return good


def report(name: str, found: float, golden: float, limit: float) -> bool:
    """Prints a line, and says whether the figure is within its limit."""
    difference = abs(found - golden)
    print(
        f"{name:12} {found:10.4f}  golden {golden:10.4f}  "
        f"difference {difference:.4f}, limit {limit:.4f}",
        flush=True,
    )
    return bool(difference <= limit)


def read(path: Path) -> np.ndarray:
    """Reads a picture, `(H, W, 3)` uint8."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def centre_square(picture: np.ndarray) -> np.ndarray:
    """Cuts the largest centred square out of a picture."""
    height, width, _ = picture.shape
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return picture[top : top + side, left : left + side]


if __name__ == "__main__":
    sys.exit(main())
