"""FID beside its golden figure: 200 photos of one folder against 200 of another.

    python benchmarks/fid.py --shared ../shared

Photos are cropped to their centre square, as for the golden figure (`evaluate` resizes
whole pictures). Ends with 1 if FID is more than 1 % off. It takes about two minutes on
two CPU cores.
"""

import argparse
import json
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
from PIL import Image

from tf_edgeconnect.metrics.fid import FidFeatures, frechet_distance

LIMIT = 0.01  # relative
PHOTOS = 200
KEY = "fid_first200_bsds500_train_vs_first200_imagenet_sample_train"


def main() -> int:
    """Prints the figure, the golden one and the difference."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--shared", type=Path, required=True, help="folder of data, weights and golden"
    )
    shared = parser.parse_args().shared
    golden = json.loads((shared / "golden" / "perceptual_metrics.json").read_text())
    features = FidFeatures(shared / "weights" / "inception_fid_2015_fp16.npz")
    sets = []
    for name in ("bsds500", "imagenet_sample"):
        folder = shared / "data" / "photos" / "train" / name
        paths = sorted(folder.iterdir())[:PHOTOS]
        sets.append(features([centre_square(path) for path in paths]))
    found, expected = frechet_distance(*sets), golden[KEY]
    print(f"FID {found:.4f}, golden {expected:.4f}, limit {LIMIT * expected:.4f}")
    return int(abs(found - expected) > LIMIT * expected)


def centre_square(path: Path) -> np.ndarray:
    """Reads the largest centred square of a picture, `(H, W, 3)` uint8."""
    with Image.open(path) as image:
        picture = np.asarray(image.convert("RGB"))
    height, width, _ = picture.shape
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return picture[top : top + side, left : left + side]


if __name__ == "__main__":
    sys.exit(main())
