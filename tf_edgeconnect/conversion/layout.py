"""How the published networks are laid out in a checkpoint, and what goes where here.

This module owns the names: what PyTorch calls each layer, what ours is called, and the
shapes PyTorch stores. Kernels there are OIHW, of transposed convolutions IOHW; both
turn into Keras' HWIO and HWOI by `transpose(2, 3, 1, 0)`.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import NamedTuple

import keras

from tf_edgeconnect.models.discriminators import patch_discriminator
from tf_edgeconnect.models.generators import edge_generator, inpaint_generator

RESIDUAL_BLOCKS = 8


class LayerPlan(NamedTuple):
    """One convolution: names on both sides and what it holds.

    Args:
        source: prefix of its tensors in the checkpoint, `encoder.1`.
        target: name of our layer, `encoder_1`.
        inputs, outputs: channels.
        kernel: side of the kernel.
        spectral: whether it is spectrally normalized.
        bias: whether it has a bias.
        transposed: whether it is a transposed convolution.
    """

    source: str
    target: str
    inputs: int
    outputs: int
    kernel: int
    spectral: bool
    bias: bool
    transposed: bool = False

    def kernel_shape(self) -> tuple[int, ...]:
        """Shape of the weight as PyTorch stores it."""
        ends = (self.outputs, self.inputs)
        return (*(ends[::-1] if self.transposed else ends), self.kernel, self.kernel)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Every tensor of the layer, by its name in the checkpoint."""
        parts: dict[str, tuple[int, ...]] = {"weight": self.kernel_shape()}
        if self.spectral:
            parts = {
                "weight_orig": self.kernel_shape(),
                "weight_u": (self.outputs,),
                "weight_v": (self.inputs * self.kernel**2,),
            }
        if self.bias:
            parts["bias"] = (self.outputs,)
        return {f"{self.source}.{part}": shape for part, shape in parts.items()}


class NetworkPlan(NamedTuple):
    """One of the four published networks.

    Args:
        name: ours, a key of `models.storage.BUILDERS`.
        file: what the published system calls its checkpoint.
        section: key of the checkpoint's dictionary that holds its state.
        layers: gives its convolutions for a width (filters of the first one).
        build: makes our network of that width.
        twins: source prefixes of the same layer stored once more, by that of the first.
    """

    name: str
    file: str
    section: str
    layers: Callable[[int], list[LayerPlan]]
    build: Callable[[int], keras.Model]
    twins: Mapping[str, str] = {}


def _generator(inputs: int, outputs: int, edges: bool) -> Callable:
    def layers(filters: int) -> list[LayerPlan]:
        wide = 4 * filters
        ends = [
            ("encoder.1", "encoder_1", inputs, filters, 7),
            ("encoder.4", "encoder_2", filters, 2 * filters, 4),
            ("encoder.7", "encoder_3", 2 * filters, wide, 4),
        ]
        found = [LayerPlan(*end, spectral=edges, bias=True) for end in ends]
        for block in range(RESIDUAL_BLOCKS):
            for number, index in ((1, 1), (2, 5)):
                source = f"middle.{block}.conv_block.{index}"
                target = f"middle_{block + 1}_{number}"
                found.append(
                    LayerPlan(source, target, wide, wide, 3, edges, bias=not edges)
                )
        for source, target, width in (
            ("decoder.0", "decoder_1", wide),
            ("decoder.3", "decoder_2", 2 * filters),
        ):
            found.append(
                LayerPlan(source, target, width, width // 2, 4, edges, True, True)
            )
        last = LayerPlan("decoder.7", "decoder_3", filters, outputs, 7, False, True)
        return [*found, last]

    return layers


def _discriminator(inputs: int) -> Callable:
    def layers(filters: int) -> list[LayerPlan]:
        widths = [inputs, filters, 2 * filters, 4 * filters, 8 * filters, 1]
        return [
            LayerPlan(
                f"conv{n}.0", f"conv_{n}", widths[n - 1], widths[n], 4, True, False
            )
            for n in range(1, 6)
        ]

    return layers


_TWINS = {"features.0": "conv1.0"}
PLANS = (
    NetworkPlan(
        "edge_generator",
        "EdgeModel_gen.pth",
        "generator",
        _generator(3, 1, True),
        lambda filters: edge_generator(filters, RESIDUAL_BLOCKS),
    ),
    NetworkPlan(
        "edge_discriminator",
        "EdgeModel_dis.pth",
        "discriminator",
        _discriminator(2),
        lambda filters: patch_discriminator(2, filters, "edge_discriminator"),
        _TWINS,
    ),
    NetworkPlan(
        "inpaint_generator",
        "InpaintingModel_gen.pth",
        "generator",
        _generator(4, 3, False),
        lambda filters: inpaint_generator(filters, RESIDUAL_BLOCKS),
    ),
    NetworkPlan(
        "inpaint_discriminator",
        "InpaintingModel_dis.pth",
        "discriminator",
        _discriminator(3),
        lambda filters: patch_discriminator(3, filters, "inpaint_discriminator"),
        _TWINS,
    ),
)


def expected_shapes(plan: NetworkPlan, filters: int) -> dict[str, tuple[int, ...]]:
    """Every tensor that the checkpoint of a network of this width holds, by name."""
    shapes: dict[str, tuple[int, ...]] = {}
    for layer in plan.layers(filters):
        shapes |= layer.shapes()
    for twin, first in plan.twins.items():
        for name in [name for name in shapes if name.startswith(f"{first}.")]:
            shapes[twin + name.removeprefix(first)] = shapes[name]
    return shapes


def guess_filters(plan: NetworkPlan, shapes: Mapping[str, tuple[int, ...]]) -> int:
    """The width that most tensors agree on; 64, the published one, if none do.

    Args:
        plan: the network.
        shapes: of the tensors that came, by name.
    """
    votes: Counter[int] = Counter()
    ones, twos = expected_shapes(plan, 1), expected_shapes(plan, 2)
    for name, ones_shape in ones.items():
        came = shapes.get(name, ())
        if len(came) != len(ones_shape):
            continue
        for size, one, two in zip(came, ones_shape, twos[name], strict=True):
            # Sizes that grow with the width give their vote; 3 colours do not.
            if two == 2 * one and size and size % one == 0:
                votes[size // one] += 1
    return votes.most_common(1)[0][0] if votes else 64
