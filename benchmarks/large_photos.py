"""Time and peak memory of `--large full`, `crop` and `tile`, one process a row.

    python benchmarks/large_photos.py [--model RUN] [--full]

Photos are a mosaic of those that ship inside scikit-image. Without a model the networks
have the published size and random weights, which cost the same. `--full` also runs the
3000x2000 photo whole, which takes some 7 GB and minutes; the 6000x4000 one is never run
whole: its row is a straight line through the two smaller photos that are, and says so.
Seconds are of one call after a warm-up on a small photo; memory is the peak resident
set of the process, with TensorFlow and the photo in it.
"""

import argparse
import time

import numpy as np
from PIL import Image
from skimage import data
from turns import answer, ask, asked, peak_memory

SMALL, THICK = "three of 120", "one of 1200"
CASES = [
    ((1000, 667), SMALL, "full"),
    ((3000, 2000), SMALL, "full"),
    ((3000, 2000), SMALL, "crop"),
    ((3000, 2000), SMALL, "tile"),
    ((6000, 4000), SMALL, "crop"),
    ((6000, 4000), SMALL, "tile"),
    ((6000, 4000), THICK, "crop"),
    ((6000, 4000), THICK, "tile"),
]


def mosaic(width: int, height: int) -> np.ndarray:
    """A photo of photos, uint8 (height, width, 3)."""
    photos = [data.coffee(), data.chelsea(), data.rocket(), data.astronaut()]
    side = 1000
    tiles = [np.asarray(Image.fromarray(p).resize((side, side))) for p in photos]
    rows = [
        np.concatenate(
            [tiles[(row + column) % 4] for column in range(-(-width // side))], 1
        )
        for row in range(-(-height // side))
    ]
    return np.ascontiguousarray(np.concatenate(rows)[:height, :width])


def hole_of(kind: str, width: int, height: int) -> np.ndarray:
    """Bool (height, width): three small holes, or a thick one in the middle."""
    hole = np.zeros((height, width), bool)
    side, places = {SMALL: (120, (0.2, 0.5, 0.8)), THICK: (1200, (0.5,))}[kind]
    for place in places:
        top, left = int(place * height) - side // 2, int(place * width) - side // 2
        hole[top : top + side, left : left + side] = True
    return hole


def inpainter_of(model: str | None):
    """The model, or networks of the published size with random weights."""
    from tf_edgeconnect import edge_generator, inpaint_generator
    from tf_edgeconnect.inference import Inpainter
    from tf_edgeconnect.inference.backends.keras import KerasBackend

    if model is not None:
        return Inpainter.load(model)
    return Inpainter(KerasBackend(edge_generator(), inpaint_generator()))


def measure(size: tuple[int, int], kind: str, large: str, model: str | None) -> dict:
    """Fills one photo; seconds, processor seconds and peak MiB."""
    inpainter = inpainter_of(model)
    image, hole = mosaic(*size), hole_of(kind, *size)
    inpainter(image[:64, :64], np.eye(64, dtype=bool))
    start, busy = time.perf_counter(), time.process_time()
    filled = inpainter.paint(image, hole, large=large)
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    assert (filled[~hole] == image[~hole]).all()
    peak = peak_memory() / 2**20
    return {"seconds": seconds, "busy": busy, "mib": peak}


def show(case: tuple, found: dict, note: str = "") -> None:
    """Prints one row."""
    (width, height), kind, large = case
    print(
        f"| {width}x{height} | {kind} | {large}{note} | {found['seconds']:.1f} "
        f"| {found['busy']:.1f} | {found['mib'] / 1024:.2f} |",
        flush=True,
    )


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", help="run directory or weights folder")
    parser.add_argument("--full", action="store_true", help="run 3000x2000 whole, too")
    options = parser.parse_args()
    if question := asked():
        answer(measure(*question["case"], options.model))
        return
    print("| photo | holes | --large | seconds | processor seconds | peak GiB |")
    print("|---|---|---|---|---|---|")
    whole = {}
    for case in CASES:
        (width, height), _, large = case
        if large == "full" and width > 1000 and not options.full:
            continue
        found = ask({"case": case})
        if absent := found.get("absent"):
            raise SystemExit(f"{absent}; TURNS_VERBOSE=1 shows its errors")
        if large == "full":
            whole[width * height] = found
        show(case, found)
    if len(whole) == 2:
        (few, small), (many, big) = whole.items()
        pixels = 6000 * 4000
        predicted = {
            key: big[key] + (big[key] - small[key]) * (pixels - many) / (many - few)
            for key in big
        }
        show(((6000, 4000), SMALL, "full"), predicted, " (predicted, not run)")


if __name__ == "__main__":
    main()
