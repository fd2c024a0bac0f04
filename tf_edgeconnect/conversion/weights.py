"""Puts the state of a published network into ours, tensor by tensor.

Enters: a dictionary of NumPy arrays as `pth.read_checkpoint` gives it. Leaves: a Keras
model with the same weights, or one line that says what does not fit. This module owns
the order of axes: kernels turn by (2, 3, 1, 0), and spectral norm's `v`, which PyTorch
keeps in the order (in, height, width) of a kernel, into the order (height, width, in).
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import keras
import numpy as np

from tf_edgeconnect.conversion.layout import (
    LayerPlan,
    NetworkPlan,
    expected_shapes,
    guess_filters,
)
from tf_edgeconnect.conversion.spectral import solve_v
from tf_edgeconnect.errors import InputError

# A tensor's name, the variable it goes to, and how its axes turn.
Assignment = tuple[str, keras.Variable, Callable[[np.ndarray], np.ndarray]]

_SHOWN = 3  # names in one line; the rest is counted


class Mapped(NamedTuple):
    """One tensor and where it went."""

    source: str
    shape: tuple[int, ...]
    target: str
    target_shape: tuple[int, ...]


def build_network(
    plan: NetworkPlan, state: Mapping[str, Any], where: str
) -> tuple[keras.Model, list[Mapped]]:
    """Builds our network with the weights of a published state.

    Args:
        plan: which network.
        state: tensors by name, PyTorch's layout; with or without the prefix `module.`.
        where: names the file in messages.

    Returns:
        The network, and where each tensor went.

    Raises:
        InputError: a tensor is missing, surplus, of a wrong shape, or not finite.
    """
    tensors = _named(state, where)
    filters = guess_filters(plan, {name: t.shape for name, t in tensors.items()})
    _check_values(tensors, where)
    _solve_missing(plan, filters, tensors)
    _check_names(plan, filters, tensors, where)
    _check_values(tensors, where)  # once more, now with what was solved for
    network, mapped = plan.build(filters), []
    for layer in plan.layers(filters):
        target = network.get_layer(layer.target)
        for name, variable, turn in _assignments(layer, target):
            variable.assign(turn(tensors[name]).astype(np.float32))
            mapped.append(
                Mapped(
                    name,
                    tensors[name].shape,
                    f"{plan.name}/{layer.target}/{variable.name}",
                    tuple(variable.shape),
                )
            )
    for twin, first in plan.twins.items():
        for one in [m for m in mapped if m.source.startswith(f"{first}.")]:
            source = twin + one.source.removeprefix(first)
            mapped.append(one._replace(source=source))
    return network, mapped


def _named(state: Mapping[str, Any], where: str) -> dict[str, np.ndarray]:
    strange = [name for name, t in state.items() if not isinstance(t, np.ndarray)]
    if strange or not state:
        raise InputError(
            f"{where}: expected tensors by name, got {_listed(strange) or 'nothing'}"
        )
    prefix = "module." if all(str(n).startswith("module.") for n in state) else ""
    return {str(name).removeprefix(prefix): t for name, t in state.items()}


def _solve_missing(plan: NetworkPlan, filters: int, tensors: dict) -> None:
    # PyTorch before 1.1 stored the normalized `weight` and no `weight_v`.
    prefixes = {layer.source: layer for layer in plan.layers(filters) if layer.spectral}
    for twin, first in plan.twins.items():
        prefixes[twin] = prefixes[first]
    for prefix, layer in prefixes.items():
        names = [f"{prefix}.{part}" for part in ("weight_orig", "weight_u", "weight")]
        if not all(name in tensors for name in names):
            continue
        original, u, normalized = (tensors[name] for name in names)
        if original.shape == normalized.shape == layer.kernel_shape() and u.shape == (
            layer.outputs,
        ):
            output_axis = 1 if layer.transposed else 0
            tensors[f"{prefix}.weight_v"] = solve_v(
                original, u, normalized, output_axis
            )
            del tensors[names[2]]


def _check_names(plan: NetworkPlan, filters: int, tensors: dict, where: str) -> None:
    expected = expected_shapes(plan, filters)
    words = plan.name.replace("_", " ")
    if missing := [name for name in expected if name not in tensors]:
        raise InputError(f"{where}: the {words} misses {_listed(missing)}")
    if surplus := [name for name in tensors if name not in expected]:
        raise InputError(
            f"{where}: {_listed(surplus)} belongs to no {words} of the published layout"
        )
    wrong = [
        f"{name} is {tensors[name].shape}, expected {shape}"
        for name, shape in expected.items()
        if tensors[name].shape != shape
    ]
    if wrong:
        raise InputError(
            f"{where}: wrong shapes for the {words}: {_listed(wrong, '; ')}"
        )
    for twin, first in plan.twins.items():
        for name in [n for n in tensors if n.startswith(f"{twin}.")]:
            other = first + name.removeprefix(twin)
            if not np.array_equal(tensors[name], tensors[other]):
                raise InputError(
                    f"{where}: {name} and {other} are the same layer, but differ"
                )


def _check_values(tensors: dict, where: str) -> None:
    if unfit := [name for name, t in tensors.items() if t.dtype.kind != "f"]:
        raise InputError(
            f"{where}: expected floating point numbers in {_listed(unfit)}"
        )
    if broken := [name for name, t in tensors.items() if not np.isfinite(t).all()]:
        raise InputError(f"{where}: NaN or infinite values in {_listed(broken)}")


def _listed(names: Iterable[str], separator: str = ", ") -> str:
    names = [ascii(str(name))[1:-1] for name in names]
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return separator.join(names[:_SHOWN]) + more


def _assignments(layer: LayerPlan, target: keras.layers.Layer) -> list[Assignment]:
    """Each tensor of a layer, the variable it goes to, and how its axes turn."""

    def as_is(tensor: np.ndarray) -> np.ndarray:
        return tensor

    def turn_kernel(weight: np.ndarray) -> np.ndarray:
        return weight.transpose(2, 3, 1, 0)

    def turn_v(v: np.ndarray) -> np.ndarray:
        cube = v.reshape(layer.inputs, layer.kernel, layer.kernel)
        return cube.transpose(1, 2, 0).reshape(-1)

    weight = "weight_orig" if layer.spectral else "weight"
    found: list[Assignment] = [(f"{layer.source}.{weight}", target.kernel, turn_kernel)]
    if layer.spectral:
        found.append((f"{layer.source}.weight_u", target.u, as_is))
        found.append((f"{layer.source}.weight_v", target.v, turn_v))
    if layer.bias:
        found.append((f"{layer.source}.bias", target.bias, as_is))
    return found
