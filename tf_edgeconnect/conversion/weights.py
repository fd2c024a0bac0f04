"""Assigns the state of a published network to ours, tensor by tensor.

This module owns the names and the order of axes. Kernels, OIHW in PyTorch and IOHW
where transposed, are transposed by (2, 3, 1, 0). Spectral norm's `v`, which PyTorch
keeps in the order (in, height, width) of a kernel, gets the order (height, width, in).
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import keras
import numpy as np

from tf_edgeconnect.conversion.pickles import quote
from tf_edgeconnect.errors import InputError
from tf_edgeconnect.models.storage import BUILDERS

_WIDEST = 256  # filters of the first convolution; 64 were published
_SHOWN = 3  # names in one line; the rest is counted


class Network(NamedTuple):
    """One of the four published networks.

    Attributes:
        name: ours, a key of `models.storage.BUILDERS`.
        file: what the published system calls its checkpoint.
        first: kernel of its first convolution.
        inputs: channels that this convolution takes.
    """

    name: str
    file: str
    first: str
    inputs: int

    @property
    def section(self) -> str:
        """Key of the checkpoint's dictionary that holds its state."""
        return self.name.split("_")[1]

    @property
    def copies(self) -> dict[str, str]:
        """Prefixes under which a layer is stored once more -> its own prefix."""
        return {"features.0": "conv1.0"} if self.section == "discriminator" else {}

    def build(self, filters: int) -> keras.Model:
        """Makes our network of a width."""
        options = {"filters": filters, "name": self.name}
        if self.section == "discriminator":
            options["channels"] = self.inputs
        return BUILDERS[self.name](**options)


NETWORKS = (
    Network("edge_generator", "EdgeModel_gen.pth", "encoder.1.weight_orig", 3),
    Network("edge_discriminator", "EdgeModel_dis.pth", "conv1.0.weight_orig", 2),
    Network("inpaint_generator", "InpaintingModel_gen.pth", "encoder.1.weight", 4),
    Network(
        "inpaint_discriminator", "InpaintingModel_dis.pth", "conv1.0.weight_orig", 3
    ),
)


class Mapped(NamedTuple):
    """One tensor and where it went."""

    source: str
    shape: tuple[int, ...]
    target: str
    target_shape: tuple[int, ...]


def build_network(
    network: Network, state: Mapping[str, np.ndarray], where: str
) -> tuple[keras.Model, list[Mapped]]:
    """Builds our network with the weights of a published state.

    Args:
        network: which one.
        state: tensors by name, PyTorch's layout; with or without the prefix `module.`.
        where: the file, for messages.

    Raises:
        InputError: a tensor is missing, surplus, of a wrong shape, or not finite.
    """
    tensors = _named(state, where)
    _check_values(tensors, where)
    filters = (getattr(tensors.get(network.first), "shape", ()) or (64,))[0]
    if not 1 <= filters <= _WIDEST:
        raise InputError(
            f"{where}: a first convolution of {filters} channels, expected 1 to "
            f"{_WIDEST}"
        )
    model = network.build(filters)
    places = find_places(network, model)
    _solve_missing(places, tensors)
    _check_names(network, places, tensors, where)
    _check_values(tensors, where)  # once more, now with what was solved for
    mapped = []
    for name, place in places.items():
        place.variable.assign(place.transposed(tensors[name]))
        target = f"{network.name}/{place.layer.name}/{place.variable.name}"
        shapes = tensors[name].shape, tuple(place.variable.shape)
        mapped.append(Mapped(name, shapes[0], target, shapes[1]))
    return model, mapped


class Place(NamedTuple):
    """The variable that a tensor is assigned to."""

    layer: keras.layers.Layer
    variable: keras.Variable

    def shape(self) -> tuple[int, ...]:
        """Returns the shape that PyTorch stores."""
        shape = tuple(self.variable.shape)
        return (*shape[:1:-1], *shape[:2]) if self.variable.name == "kernel" else shape

    def transposed(self, tensor: np.ndarray) -> np.ndarray:
        """Returns the tensor in our order of axes."""
        if self.variable.name == "kernel":
            tensor = tensor.transpose(2, 3, 1, 0)
        if self.variable.name == "v":
            tensor = tensor.reshape(-1, *self.layer.kernel_size)
            tensor = tensor.transpose(1, 2, 0).reshape(-1)
        return tensor.astype(np.float32)


def find_places(network: Network, model: keras.Model) -> dict[str, Place]:
    """Maps the name of each published tensor to its place."""
    places: dict[str, Place] = {}
    for layer in model.layers:
        kernel = "weight_orig" if hasattr(layer, "u") else "weight"
        parts = {"kernel": kernel, "u": "weight_u", "v": "weight_v", "bias": "bias"}
        for part, name in parts.items():
            if layer.weights and getattr(layer, part, None) is not None:
                place = Place(layer, getattr(layer, part))
                places[f"{_published_name(layer.name)}.{name}"] = place
    for copy, first in network.copies.items():
        for name in [name for name in places if name.startswith(f"{first}.")]:
            places[copy + name.removeprefix(first)] = places[name]
    return places


def _published_name(layer: str) -> str:
    kind, *numbers = layer.split("_")
    first, last = int(numbers[0]), int(numbers[-1])
    if kind == "middle":
        return f"middle.{first - 1}.conv_block.{4 * last - 3}"
    if kind == "conv":
        return f"conv{first}.0"
    index = {"encoder": (1, 4, 7), "decoder": (0, 3, 7)}[kind][first - 1]
    return f"{kind}.{index}"


def _named(state: Mapping[str, Any], where: str) -> dict[str, np.ndarray]:
    strange = [name for name, t in state.items() if not isinstance(t, np.ndarray)]
    if strange or not state:
        raise InputError(
            f"{where}: expected tensors by name, got {listed(strange) or 'nothing'}"
        )
    prefix = "module." if all(str(n).startswith("module.") for n in state) else ""
    return {str(name).removeprefix(prefix): t for name, t in state.items()}


def _check_names(
    network: Network, places: dict[str, Place], tensors: dict, where: str
) -> None:
    words = network.name.replace("_", " ")
    if missing := [name for name in places if name not in tensors]:
        raise InputError(f"{where}: the {words} misses {listed(missing)}")
    if surplus := [name for name in tensors if name not in places]:
        raise InputError(
            f"{where}: {listed(surplus)} belongs to no {words} of the published layout"
        )
    wrong = [
        f"{name} is {tensors[name].shape}, expected {place.shape()}"
        for name, place in places.items()
        if tensors[name].shape != place.shape()
    ]
    if wrong:
        raise InputError(
            f"{where}: wrong shapes for the {words}: {listed(wrong, '; ')}"
        )
    for copy, first in network.copies.items():
        for name in [n for n in tensors if n.startswith(f"{copy}.")]:
            other = first + name.removeprefix(copy)
            if not np.array_equal(tensors[name], tensors[other]):
                raise InputError(
                    f"{where}: {name} and {other} are the same layer, but differ"
                )


def _check_values(tensors: dict, where: str) -> None:
    if unfit := [name for name, t in tensors.items() if t.dtype.kind != "f"]:
        raise InputError(f"{where}: expected floating point numbers in {listed(unfit)}")
    if broken := [name for name, t in tensors.items() if not np.isfinite(t).all()]:
        raise InputError(f"{where}: NaN or infinite values in {listed(broken)}")


def listed(names: Iterable[object], separator: str = ", ") -> str:
    """Lists the first names from an untrusted file, and counts the rest."""
    quoted = [quote(name) for name in names]
    more = f" and {len(quoted) - _SHOWN} more" if len(quoted) > _SHOWN else ""
    return separator.join(quoted[:_SHOWN]) + more


def _solve_missing(places: dict[str, Place], tensors: dict) -> None:
    # PyTorch before 1.1 stored the normalized `weight` and no `weight_v`.
    for name, place in places.items():
        prefix, part = name.rsplit(".", 1)
        wanted = [
            f"{prefix}.{stored}" for stored in ("weight_orig", "weight_u", "weight")
        ]
        if part != "weight_v" or any(stored not in tensors for stored in wanted):
            continue
        original, u, normalized = (tensors[stored] for stored in wanted)
        kernel, outputs = (places[stored].shape() for stored in wanted[:2])
        if original.shape == normalized.shape == kernel and u.shape == outputs:
            transposed = isinstance(place.layer, keras.layers.Conv2DTranspose)
            tensors[name] = solve_v(original, u, normalized, int(transposed))
            del tensors[wanted[2]]


def solve_v(
    original: np.ndarray, u: np.ndarray, normalized: np.ndarray, output_axis: int
) -> np.ndarray:
    """Solves for `v` of a spectrally normalized kernel from what was stored then.

    PyTorch up to 1.0 kept the kernel, `u` and the kernel divided by sigma. Later ones
    take the smallest `v` with `W v` along `u`, scaled so that `u . W v` is that sigma.

    Args:
        original: kernel in PyTorch's layout, `(out, in, kh, kw)`, or of a transposed
            convolution `(in, out, kh, kw)`.
        u: `(out,)`, the left singular vector.
        normalized: `original / sigma`.
        output_axis: 0, or 1 for a transposed convolution.

    Returns:
        `(in * kh * kw,)`, float64.

    Reference:
        torch.nn.utils.spectral_norm, upgrade of states before version 1.
    """
    matrix = np.moveaxis(original, output_axis, 0).astype(np.float64)
    matrix = matrix.reshape(matrix.shape[0], -1)
    whole, part = original.astype(np.float64), normalized.astype(np.float64)
    # The mean of W / (W / sigma), weighed so that entries near 0 add no noise.
    sigma = np.vdot(whole, part) / np.vdot(part, part)
    v = np.linalg.lstsq(matrix, u.astype(np.float64), rcond=None)[0]
    return v * (sigma / (u @ (matrix @ v)))
