"""Damages files in 300 ways and fills their folder: each is written or named.

Not part of the tests, for it takes minutes:

    python tests/photos/mutate.py
"""

import random
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

FILES = Path(__file__).parent / "files"
ENDINGS = (
    ".jpg",
    ".png",
    ".webp",
    ".tif",
    ".gif",
    ".avif",
    ".heic",
    ".bmp",
    ".txt",
    "",
)
COUNT = 300


def damaged(data: bytes, other: bytes, dice: random.Random) -> bytes:
    """Flips bits, cuts, exchanges parts or puts in parts of another file."""
    data, kind = bytearray(data), dice.choice("flip head cut swap graft repeat".split())
    start, stop = sorted(dice.randrange(len(data)) for _ in range(2))
    if kind in ("flip", "head"):
        for _ in range(dice.choice((1, 4, 32))):
            place = dice.randrange(min(len(data), 200) if kind == "head" else len(data))
            data[place] ^= 1 << dice.randrange(8)
    elif kind == "cut":
        del data[start:]
    elif kind == "swap":
        data = data[:start] + data[stop:] + data[start:stop]
    elif kind == "graft":
        data[start:stop] = other[start:stop]
    else:
        data[start:start] = data[start:stop]
    return bytes(data)


def sources(folder: Path) -> list[Path]:
    """The real files of the tests, and one of each format that Pillow writes."""
    y, x = np.mgrid[:64, :96]
    scene = np.stack([2 * x, 3 * y, (x + y) % 64 * 3], -1).astype(np.uint8)
    for form in ("webp", "gif", "bmp", "tif", "png", "jp2", "ppm"):
        Image.fromarray(scene).save(folder / f"scene.{form}")
    return [*sorted(FILES.glob("[!m]*.*")), *sorted(folder.iterdir())]


def main() -> None:
    """Prints what became of the files, and fails where one was not accounted for."""
    dice = random.Random(0)
    with tempfile.TemporaryDirectory() as root:
        made, photos = Path(root, "made"), Path(root, "photos")
        made.mkdir(), photos.mkdir()
        whole = [path.read_bytes() for path in sources(made)]
        for number in range(COUNT):
            data = damaged(dice.choice(whole), dice.choice(whole), dice)
            (photos / f"{number:03}{dice.choice(ENDINGS)}").write_bytes(data)
        mask = np.zeros((64, 96), np.uint8)
        mask[10:30, 10:40] = 255
        Image.fromarray(mask).save(Path(root, "mask.png"))
        call = [sys.executable, "-m", "tf_edgeconnect", "inpaint", "photos", "mask.png"]
        done = subprocess.run(
            [*call, "-o", "out"], cwd=root, capture_output=True, text=True
        )
        out = {path.stem for path in Path(root, "out").glob("*.png")}
        lost = [
            path.name
            for path in sorted(photos.iterdir())
            if not {path.stem, path.name} & out
            and f"photos/{path.name}" not in done.stderr
        ]
    print(done.stdout, f"exit code {done.returncode}, {len(out)} written", sep="")
    print("not accounted for:", lost)
    print("traceback:", "Traceback" in done.stderr)
    if lost or "Traceback" in done.stderr or done.returncode not in (0, 1):
        sys.exit(done.stderr[-3000:])


if __name__ == "__main__":
    main()
