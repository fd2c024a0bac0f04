"""Operations, bytes, memory and hours, computed from the layers; nothing runs.

    python benchmarks/cost_model.py
    python benchmarks/cost_model.py --config places2 --tflops 50

The first prints two tables of the full-size networks by photo size: filling, and the
memory of a training step of stage inpaint. `moved` counts what convolutions read and
write in float32, `live` the largest input, output and kernel that must be in memory at
once; a training step keeps weights, gradients, Adam's state and all activations.

The second prints how long each stage of a config takes on one GPU. `--tflops` is what
the GPU really reaches in training: a third to a half of its data sheet is common for
convolutions. A gradient costs as much as the forward pass for each of its two halves:
that of the weights and that of the inputs. VGG19 is frozen and needs the second alone,
and only for the prediction. Norms, activations and the data are not counted.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
from floors import moved_bytes, operations, sized

import tf_edgeconnect as ec
from tf_edgeconnect.config import STAGES, Config, load_config
from tf_edgeconnect.models.footprint import (
    activation_bytes,
    parameter_bytes,
    training_bytes,
)
from tf_edgeconnect.models.vgg import vgg_features
from tf_edgeconnect.trainers.run_networks import build_networks

SIZES = (128, 256, 512, 1024)
BATCHES = (1, 8, 32)


def largest_layer_bytes(network: keras.Model, size: int) -> int:
    """Returns the bytes of the layer whose input and output are largest together."""
    largest = 0
    for layer in sized(network, size, size).layers:
        inputs = layer.input if isinstance(layer.input, list) else [layer.input]
        maps = [tensor.shape[1:] for tensor in (*inputs, layer.output)]
        largest = max(largest, 4 * sum(h * w * c for h, w, c in maps))
    return largest


def print_sizes() -> None:
    """Prints the tables of filling and of training by photo size."""
    generators = [ec.edge_generator(), ec.inpaint_generator()]
    weights = sum(parameter_bytes(network) for network in generators)
    print(f"weights of both generators: {weights / 1e6:.0f} MB in float32\n")
    print("| size | GFLOP a photo | moved MB | FLOP a byte | live MB | all maps MB |")
    print("|---" * 6 + "|")
    for size in SIZES:
        work = sum(operations(network, size, size) for network in generators)
        moved = sum(moved_bytes(network, size, size) for network in generators)
        live = max(largest_layer_bytes(network, size) for network in generators)
        maps = sum(activation_bytes(network, size) for network in generators)
        print(
            f"| {size} | {work / 1e9:.1f} | {moved / 1e6:.0f} | {work / moved:.0f} "
            f"| {live / 1e6:.0f} | {maps / 1e6:.0f} |"
        )
    print("\n| size | " + " | ".join(f"batch {b}, GB" for b in BATCHES) + " |")
    print("|---" * (len(BATCHES) + 1) + "|")
    networks = {
        "inpaint_generator": generators[1],
        "inpaint_discriminator": ec.patch_discriminator(3),
    }
    for size in SIZES:
        cells = [training_bytes(networks, size, batch) / 1e9 for batch in BATCHES]
        print(f"| {size} | " + " | ".join(f"{cell:.1f}" for cell in cells) + " |")


def print_stages(name: str, tflops: float) -> None:
    """Prints the hours of each stage of a config."""
    config = load_config(name)
    print(f"{name} at {tflops:g} TFLOPS: computed, not measured")
    print("| stage | GFLOP a photo | photos a second | steps | hours |")
    print("|---|---|---|---|---|")
    for stage in STAGES:
        settings = config.train.for_stage(stage)
        work = step_operations(stage, config)
        rate = 1e12 * tflops / work
        hours = settings.steps * settings.batch_size / rate / 3600
        print(
            f"| {stage} | {work / 1e9:,.0f} | {rate:,.0f} | {settings.steps:,} "
            f"| {hours:,.0f} |"
        )


def step_operations(stage: str, config: Config) -> int:
    """Counts the operations of a training step for one photo."""
    size, total = config.data.size, 0
    for name, network in build_networks(stage, config).items():
        once = operations(network, size, size)
        frozen = stage == "edge-inpaint" and name == "edge_generator"
        if name.endswith("discriminator"):
            # Real and predicted forward; back to its weights for both (two halves),
            # and for the generator's sake to the prediction.
            total += once * (2 + 4 + 1)
        else:
            total += once * (1 if frozen else 3)
    losses = config.losses
    # Forward for photo and prediction, and back to the prediction: 3 passes each for
    # the perceptual and the style loss.
    passes = 3 * (bool(losses.perceptual) + bool(losses.style))
    if stage != "edge" and passes:
        total += passes * operations(vgg_features("random"), size, size)
    return total


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", help="print the hours of this config's stages")
    parser.add_argument("--tflops", type=float, default=50.0)
    options = parser.parse_args()
    if options.config:
        print_stages(options.config, options.tflops)
    else:
        print_sizes()


if __name__ == "__main__":
    main()
