"""How far the networks are from what the published ones answer to the same weights.

    tf-edgeconnect convert CHECKPOINTS -o weights/golden
    python benchmarks/golden_parity.py --golden GOLDEN --model weights/golden

CHECKPOINTS are the `.pth` files that the PyTorch networks were run with, and GOLDEN is
the folder of `tensors.npz` and `losses.json` with what they answered. Prints the
largest absolute difference of each tensor and the relative difference of each loss;
ends with 1 if one is above 1e-4 or 1e-3.
"""

import argparse
import json
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np

from tf_edgeconnect.masking import composite
from tf_edgeconnect.models.inputs import edge_inputs, inpaint_inputs
from tf_edgeconnect.models.storage import load_networks
from tf_edgeconnect.trainers.edge import EdgeLosses

TENSOR_LIMIT, LOSS_LIMIT = 1e-4, 1e-3
LOSSES = {
    "nonsaturating": "edge_nsgan",
    "lsgan": "edge_lsgan",
    "hinge": "hinge_on_logits_of_the_same_outputs",
}


def answers(networks: dict, golden: dict) -> dict[str, np.ndarray]:
    """Computes each golden tensor from the golden inputs."""
    gray, edge, mask = (golden[name][..., None] for name in ("gray", "edge", "mask"))
    image = golden["image"].astype(np.float32) / 255
    drawn = networks["edge_generator"](edge_inputs(gray, edge, mask), training=False)
    lines = golden["edge_composite"]
    painted = networks["inpaint_generator"](
        inpaint_inputs(image, lines, mask), training=False
    )
    real = np.concatenate([gray, edge], axis=-1)
    edge_logits, maps = networks["edge_discriminator"](real, training=False)
    image_logits, _ = networks["inpaint_discriminator"](image, training=False)
    found = {
        "edge_generator_output": drawn,
        "edge_composite": composite(drawn, edge, mask),
        "inpaint_generator_output": painted,
        "inpainted": composite(painted, image, mask),
        "edge_discriminator_output": 1 / (1 + np.exp(-np.array(edge_logits))),
        "inpaint_discriminator_output": 1 / (1 + np.exp(-np.array(image_logits))),
    }
    for number, feature in enumerate(maps, start=1):
        name = f"edge_discriminator_feature_mean_{number}"
        found[name] = np.array(feature).mean((1, 2))
    return {name: np.array(value) for name, value in found.items()}


def losses(networks: dict, golden: dict, drawn: np.ndarray) -> dict[str, float]:
    """Computes the losses of an edge step from the golden inputs, by golden name."""
    batch = {name: golden[name][..., None] for name in ("gray", "edge", "mask")}
    pictures = {"predicted_edge": drawn}
    found = {}
    for kind, name in LOSSES.items():
        generator, discriminator = EdgeLosses(kind)(
            networks["edge_discriminator"], batch, pictures, training=False
        )
        found[f"{name} d_loss"] = float(discriminator["edge/d_loss"])
        found[f"{name} g_adv"] = float(generator["edge/g_adv"])
    matching = float(generator["edge/feature_matching"])
    return {**found, "edge_feature_matching_weighted_10": matching}


def main() -> int:
    """Prints the table and returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--golden", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    arguments = parser.parse_args()
    golden = dict(np.load(arguments.golden / "tensors.npz"))
    expected = json.loads((arguments.golden / "losses.json").read_text())
    networks, _ = load_networks(arguments.model)

    found = answers(networks, golden)
    differences = {
        name: (np.abs(value - golden[name]).max(), TENSOR_LIMIT)
        for name, value in found.items()
    }
    drawn = found["edge_generator_output"]
    for name, value in losses(networks, golden, drawn).items():
        outer, *inner = name.split()
        want = expected[outer][inner[0]] if inner else expected[outer]
        differences[name] = (abs(value / want - 1), LOSS_LIMIT)
    for name, (difference, limit) in differences.items():
        print(f"{name:48} {difference:.1e}  (limit {limit:.0e})")
    return int(any(difference > limit for difference, limit in differences.values()))


if __name__ == "__main__":
    sys.exit(main())
