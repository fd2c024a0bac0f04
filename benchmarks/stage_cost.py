"""How long each stage takes on one GPU, computed from the networks' multiplications.

    python benchmarks/stage_cost.py --config places2 --tflops 50

Nothing is run: every convolution is counted from its kernel and its output at the
config's photo size. `--tflops` is what the GPU really reaches in training, not what its
sheet promises; a third to a half of the sheet is common for convolutions.

A gradient costs as much as the forward pass for each of its two halves: that of the
weights and that of the inputs. VGG19 is frozen and needs the second alone, and only
for the prediction. Norms, activations and the data are not counted.
"""

import argparse
import math
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras

from tf_edgeconnect.config import STAGES, Config, load_config
from tf_edgeconnect.models.vgg import vgg_features
from tf_edgeconnect.trainers.run_networks import build_networks

CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.Conv2DTranspose)


def main() -> int:
    """Prints a table of the stages and returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", default="places2")
    parser.add_argument("--tflops", type=float, default=50.0)
    options = parser.parse_args()
    config = load_config(options.config)
    print(f"{options.config} at {options.tflops:g} TFLOPS: computed, not measured")
    print("| stage | GFLOP a photo | photos a second | steps | hours |")
    print("|---|---|---|---|---|")
    for stage in STAGES:
        settings = config.train.for_stage(stage)
        gigaflops = 2e-9 * step_multiplications(stage, config)
        rate = 1e3 * options.tflops / gigaflops
        hours = settings.steps * settings.batch_size / rate / 3600
        print(
            f"| {stage} | {gigaflops:,.0f} | {rate:,.0f} | {settings.steps:,} "
            f"| {hours:,.0f} |"
        )
    return 0


def step_multiplications(stage: str, config: Config) -> float:
    """Returns the multiplications of a training step for one photo."""
    size, total = config.data.size, 0.0
    for name, network in build_networks(stage, config).items():
        once = multiplications(network, size)
        frozen = stage == "edge-inpaint" and name == "edge_generator"
        if name.endswith("discriminator"):
            # Real and predicted forward; back to its weights for both (two halves),
            # and for the generator's sake to the prediction.
            total += once * (2 + 4 + 1)
        else:
            total += once * (1 if frozen else 3)
    losses = config.losses
    if stage != "edge":
        # Forward for photo and prediction, and back to the prediction: 3 passes each
        # for the perceptual and the style loss.
        passes = 3 * (bool(losses.perceptual) + bool(losses.style))
        if passes:
            total += passes * multiplications(vgg_features("random"), size)
    return total


def multiplications(network: keras.Model, size: int) -> float:
    """Returns the multiplications of one forward pass over one square photo."""
    channels = network.input_shape[-1]
    fixed = keras.models.clone_model(
        network, input_tensors=keras.Input((size, size, channels))
    )
    total = 0.0
    for layer in fixed.layers:
        if isinstance(layer, keras.Model):
            total += multiplications(layer, size)
        elif isinstance(layer, CONVOLUTIONS):
            # A transposed convolution takes its kernel once for each input pixel.
            transposed = isinstance(layer, keras.layers.Conv2DTranspose)
            shape = (layer.input if transposed else layer.output).shape
            total += math.prod(shape[1:3]) * math.prod(layer.kernel.shape)
    return total


if __name__ == "__main__":
    raise SystemExit(main())
