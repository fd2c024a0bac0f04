"""Operations, bytes and memory of filling photos, by size and batch.

    python benchmarks/cost_model.py

Computed from the layers of the full-size networks; nothing runs. `moved` counts what
convolutions read and write in float32, `live` the largest map in, map out and kernel
that must be in memory at once, `trained` what a step of the inpaint stage keeps:
weights, gradients, Adam and all activations.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
from floors import moved_bytes, operations

import tf_edgeconnect as ec
from tf_edgeconnect.models.footprint import (
    activation_bytes,
    parameter_bytes,
    training_bytes,
)

SIZES = (128, 256, 512, 1024)
BATCHES = (1, 8, 32)


def largest_layer_bytes(network: keras.Model, size: int) -> int:
    """Returns the bytes of the layer whose input and output are largest together."""
    channels = network.input_shape[-1]
    fixed = keras.models.clone_model(
        network, input_tensors=keras.Input((size, size, channels))
    )
    largest = 0
    for layer in fixed.layers:
        inputs = layer.input if isinstance(layer.input, list) else [layer.input]
        maps = [tensor.shape[1:] for tensor in (*inputs, layer.output)]
        largest = max(largest, 4 * sum(h * w * c for h, w, c in maps))
    return largest


def main() -> None:
    """Prints two tables."""
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


if __name__ == "__main__":
    main()
