"""Making training examples, by stage: ours against a PyTorch DataLoader.

    python benchmarks/data_pipeline.py PHOTOS [--size 256] [--threads 1] [--count 512]

Each row does what the rows above it do, and one thing more: decode, crop and resize;
an irregular mask; Canny. The peer decodes with Pillow, draws as many strokes with it,
and finds edges with scikit-image, in a DataLoader of as many workers as threads (none,
in this process, for one thread). One run is `--count` photos in batches of 8, of a
stream that has begun before; its start does not count.
"""

import argparse
import functools
import time
from pathlib import Path

import numpy as np
from turns import be_child, by_turns

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}
STAGES = ("decode", "mask", "Canny")
BATCH = 8


def ours(photos: Path, size: int, threads: int, count: int, *, stage: str):
    """`build_dataset`, without what the stage does not do."""
    import tensorflow as tf

    from tf_edgeconnect.data.edge_files import EdgeOptions
    from tf_edgeconnect.data.pipeline import build_dataset

    masks = {"irregular": 1.0}
    if stage == "decode":
        masks = functools.partial(_blank, size)
    dataset = build_dataset(
        photos,
        size=size,
        batch_size=BATCH,
        masks=masks,
        edges=EdgeOptions(sigma=2.0 if stage == "Canny" else -1.0),
    )
    options = tf.data.Options()
    if threads:
        options.threading.private_threadpool_size = threads
    batches = iter(dataset.with_options(options))

    def run():
        for _ in range(count // BATCH):
            next(batches)
        # A run begins with batches made ahead, so it ends when as many are made again.
        busy = -1.0
        while threads == 1 and time.process_time() > busy + 0.01:
            busy = time.process_time()
            time.sleep(0.5)

    return run


def _blank(size, seed):
    import tensorflow as tf

    return tf.zeros((size, size, 1))


class Examples:
    """What a PyTorch user writes: an endless map of files to examples."""

    def __init__(self, files: list[Path], size: int, stage: str):
        self.files, self.size, self.stage = files, size, stage

    def __len__(self):
        """Long enough for any run."""
        return 10**9

    def __getitem__(self, position):
        """One example, a tuple of arrays."""
        from PIL import Image, ImageDraw
        from skimage.color import rgb2gray
        from skimage.feature import canny

        with Image.open(self.files[position % len(self.files)]) as file:
            photo = file.convert("RGB")
        side, size = min(photo.size), self.size
        left, top = (photo.width - side) // 2, (photo.height - side) // 2
        box = (left, top, left + side, top + side)
        photo = photo.resize((size, size), Image.Resampling.BILINEAR, box)
        example = [np.asarray(photo, np.float32) / 255]
        if self.stage != "decode":
            hole, rng = Image.new("L", (size, size)), np.random.default_rng(position)
            for _ in range(8):
                points = [tuple(point) for point in rng.uniform(0, size, (5, 2))]
                ImageDraw.Draw(hole).line(points, 255, int(rng.integers(5, size // 8)))
            example.append(np.asarray(hole, np.float32) / 255)
        if self.stage == "Canny":
            example.append(canny(rgb2gray(example[0]), sigma=2).astype(np.float32))
        return tuple(example)


def peer(photos: Path, size: int, threads: int, count: int, *, stage: str):
    """A DataLoader over `Examples`."""
    import torch

    if threads == 1:
        torch.set_num_threads(1)
    files = sorted(f for f in photos.rglob("*") if f.suffix.lower() in SUFFIXES)
    workers = 0 if threads == 1 else threads
    loader = torch.utils.data.DataLoader(
        Examples(files, size, stage), BATCH, num_workers=workers
    )
    batches = iter(loader)

    def run():
        for _ in range(count // BATCH):
            next(batches)

    return run


SYSTEMS = {
    f"{who}: {stage}": functools.partial(make, stage=stage)
    for stage in STAGES
    for who, make in (("ours", ours), ("PyTorch", peer))
}


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path, help="folder of photos, searched deeply")
    parser.add_argument("--size", type=int, default=256, help="side in pixels")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--count", type=int, default=512, help="photos a run")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if not options.photos.is_dir():
        parser.error(f"no folder {options.photos}")
    if be_child(SYSTEMS, options.photos, options.size, options.threads, options.count):
        return
    found = by_turns(list(SYSTEMS), options.rounds, options.threads)
    counted = "processor" if options.threads == 1 else "clock"
    print(f"{options.size}x{options.size}, {options.threads} threads, {counted} time")
    print("| up to | ours, photos/s | PyTorch, photos/s | ours / PyTorch |")
    print("|---|---|---|---|")
    for stage in STAGES:
        both = [found[f"{who}: {stage}"] for who in ("ours", "PyTorch")]
        cells = [each.absent or f"{options.count / each.seconds:.0f}" for each in both]
        ratio = ""
        if not any(each.absent for each in both):
            ratio = f"{both[1].seconds / both[0].seconds:.2f}"
        print(f"| {stage} | {cells[0]} | {cells[1]} | {ratio} |", flush=True)


if __name__ == "__main__":
    main()
