"""Each loss term's share in the total and in the generator's gradient.

One real photo of each set goes once through a full-size network of each stage at the
published loss weights. A term above 95 % would drown the others, one below 0.05 % would
do nothing; before VGG's activations are scaled, style is such a term. Networks are
untrained unless `--warm-up` trains them first.

    python benchmarks/loss_shares.py --photos PHOTOS --vgg VGG19.weights.h5

The gradient's share of a term is the norm of its own gradient over the sum of all such
norms. Ends with 1 if a share is out of bounds.

Known: in an untrained edge stage feature matching, at its published weight of 10, has
98 % of the gradient. That falls as the discriminator learns: 95.2 % after
`--warm-up 200` at full size; with `--filters 16 --size 128 --batch 4`, 94 % after 200
steps and 90 % after 400.
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import tensorflow as tf

import tf_edgeconnect as ec
from tf_edgeconnect.models.vgg import vgg_features
from tf_edgeconnect.trainers.inpaint_losses import InpaintLosses

LOWEST, HIGHEST = 0.0005, 0.95


def main() -> int:
    """Prints one table a stage; returns the exit status."""
    options = parse_options()
    sets = sorted(f for f in options.photos.iterdir() if f.is_dir()) or [options.photos]
    print(f"{'stage':8}{'photos':18}{'term':23}{'loss':>9}{'share':>9}", end="")
    print(f"{'gradient':>11}{'share':>9}")
    outside = 0
    for stage in options.stages:
        for photos in sets:
            trainer = build_trainer(stage, options)
            data = ec.build_dataset(
                photos, size=options.size, batch_size=options.batch, seed=options.seed
            )
            if options.warm_up:
                trainer.fit(
                    data, steps_per_epoch=options.warm_up, shuffle=False, verbose=0
                )
            batch = next(iter(data))
            for term, *figures in measure(trainer, batch):
                loss, loss_share, norm, norm_share = figures
                bad = [not LOWEST <= x <= HIGHEST for x in (loss_share, norm_share)]
                outside += sum(bad)
                marks = ["!" if b else " " for b in bad]
                print(f"{stage:8}{photos.name:18}{term:23}{loss:9.4f}", end="")
                print(f"{loss_share:8.2%}{marks[0]}", end="")
                print(f"{norm:11.4f}{norm_share:8.2%}{marks[1]}", flush=True)
    bounds = f"{LOWEST:.2%} to {HIGHEST:.0%}"
    print(f"{outside} shares outside {bounds}" if outside else f"all within {bounds}")
    return int(outside > 0)


def parse_options() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    add = parser.add_argument
    add("--photos", type=Path, required=True, help="a folder, or a folder of sets")
    add("--vgg", required=True, help="VGG19 weights file, or `imagenet`")
    add("--stages", nargs="+", default=["edge", "inpaint"])
    add("--size", type=int, default=256, help="side of the photo, pixels")
    add("--batch", type=int, default=1, help="photos in the batch")
    add("--filters", type=int, default=64, help="width of the networks")
    add("--warm-up", type=int, default=0, help="steps of training before")
    add("--seed", type=int, default=0)
    return parser.parse_args()


def build_trainer(stage: str, options: argparse.Namespace) -> keras.Model:
    """Builds a stage's trainer with the published loss weights and new networks."""
    keras.utils.set_random_seed(options.seed)
    width = options.filters
    if stage == "edge":
        trainer = ec.EdgeTrainer(
            ec.edge_generator(width), ec.patch_discriminator(2, width)
        )
    elif stage == "inpaint":
        losses = InpaintLosses(vgg=vgg_features(options.vgg))
        trainer = ec.InpaintTrainer(
            ec.inpaint_generator(width), ec.patch_discriminator(3, width), losses
        )
    else:
        raise SystemExit(f"--stages: expected edge or inpaint, got {stage}")
    trainer.compile()
    return trainer


def measure(trainer: keras.Model, batch: dict) -> list[tuple]:
    """Returns a row a term: name, loss, its share, gradient norm, its share."""
    with tf.GradientTape(persistent=True) as tape:
        losses, _, _ = trainer.compute_losses(batch, training=True)
    variables = trainer.generator_variables
    norms = [
        float(tf.linalg.global_norm(tape.gradient(loss, variables)))
        for loss in losses.values()
    ]
    values = [float(loss) for loss in losses.values()]
    return [
        (name, value, value / sum(values), norm, norm / sum(norms))
        for name, value, norm in zip(losses, values, norms, strict=True)
    ]


if __name__ == "__main__":
    raise SystemExit(main())
