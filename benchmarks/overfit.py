"""Four photos with a fixed block hole each, overfitted by a narrow inpaint generator.

Shows that the inpaint stage learns: after a few hundred steps with the published losses
it fills these very holes better than the best flat guess, each hole's own true mean
colour. It says nothing of photos that were not seen.

    python benchmarks/overfit.py --photos PHOTOS --vgg VGG19.weights.h5

Prints the PSNR inside the hole of both, a photo a line. Ends with 1 if the mean gain is
below `--gain`.
"""

import argparse
import os
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf

import tf_edgeconnect as ec
from tf_edgeconnect.metrics.image import psnr
from tf_edgeconnect.models.vgg import vgg_features
from tf_edgeconnect.trainers.adversarial import ADAM
from tf_edgeconnect.trainers.inpaint_losses import InpaintLosses

PHOTOS = 4


def main() -> int:
    """Trains, prints the figures and returns the exit status."""
    options = parse_options()
    keras.utils.set_random_seed(options.seed)
    batches = ec.build_dataset(
        options.photos,
        size=options.size,
        batch_size=PHOTOS,
        masks={"block": 1.0},
        seed=options.seed,
        training=False,  # a fixed order, a fixed hole for each photo
    ).take(1)
    batch = next(iter(batches))
    image, mask = batch["image"], batch["mask"]
    area = tf.reduce_sum(mask, axis=(1, 2), keepdims=True)
    mean = tf.reduce_sum(image * mask, axis=(1, 2), keepdims=True) / area
    flat = np.array(psnr(image, mean, mask))

    trainer = build_trainer(options)
    start = time.monotonic()
    for done in range(0, options.steps, options.report_every):
        steps = min(options.report_every, options.steps - done)
        trainer.fit(
            batches.cache().repeat(), steps_per_epoch=steps, shuffle=False, verbose=0
        )
        filled = trainer.predict_on_batch(batch)["inpainted"]
        found = np.array(psnr(image, filled, mask))
        seconds = (time.monotonic() - start) / (done + steps)
        print(f"step {done + steps}: {np.mean(found - flat):+.2f} dB", end="")
        print(f" over the mean colour, {seconds:.2f} s a step", flush=True)

    print(f"{'photo':>8}{'mean colour':>13}{'filled':>9}{'gain':>8}   (dB in the hole)")
    names = [*range(1, PHOTOS + 1), "mean"]
    rows = zip(names, with_mean(flat), with_mean(found), strict=True)
    for name, before, after in rows:
        print(f"{name:>8}{before:13.2f}{after:9.2f}{after - before:+8.2f}")
    return int(np.mean(found - flat) < options.gain)


def parse_options() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    add = parser.add_argument
    add("--photos", type=Path, required=True, help="a folder; its first four are taken")
    add("--vgg", required=True, help="VGG19 weights file, or `imagenet`")
    add("--steps", type=int, default=400)
    add("--size", type=int, default=128, help="side of the photos, pixels")
    add("--filters", type=int, default=16, help="width of the networks")
    add("--residual-blocks", type=int, default=4)
    add("--learning-rate", type=float, default=1e-3, help="the generator's")
    add("--gain", type=float, default=2.0, help="dB over the mean colour to reach")
    add("--report-every", type=int, default=50, help="steps")
    add("--seed", type=int, default=0)
    return parser.parse_args()


def build_trainer(options: argparse.Namespace) -> keras.Model:
    """Builds narrow networks of the published layout under the published losses."""
    trainer = ec.InpaintTrainer(
        ec.inpaint_generator(options.filters, options.residual_blocks),
        ec.patch_discriminator(3, options.filters),
        InpaintLosses(vgg=vgg_features(options.vgg)),
    )
    trainer.compile(
        keras.optimizers.Adam(options.learning_rate, **ADAM),
        keras.optimizers.Adam(0.1 * options.learning_rate, **ADAM),
    )
    return trainer


def with_mean(values: np.ndarray) -> list[float]:
    """Returns the values with their mean behind."""
    return [*values, np.mean(values)]


if __name__ == "__main__":
    raise SystemExit(main())
