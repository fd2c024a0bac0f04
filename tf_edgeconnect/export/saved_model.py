"""Exports a model as the next version of a SavedModel for TF Serving.

`OUTPUT/N/` holds the SavedModel, `assets.extra/tf_serving_warmup_requests`, `README.md`
(the model card), `model.json` and the `config.yaml` of a run. A version is complete or
absent, and its number is never used again.
"""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.export.networks import (
    SAVED_MODEL,
    Device,
    FloatType,
    exported_graph,
    load_for_export,
)
from tf_edgeconnect.export.report import Exported, compared, load_examples
from tf_edgeconnect.export.signatures import build_signatures
from tf_edgeconnect.export.version import (
    NO_API,
    WARMUP_FILE,
    model_card,
    new_version,
    publish,
    write_warmup,
)
from tf_edgeconnect.inference.graph import InpaintGraph
from tf_edgeconnect.version import __version__

PRECISIONS = ("float32", "bfloat16", "float16")
MAX_MEGAPIXELS = 4.0  # some 0.3 GB of memory each
_MADE_FOR = {
    "any": "any device; --device cpu makes one that is faster on CPUs",
    "cpu": "processors; --device any makes one for GPUs",
}
_COMPARED = 3
_COMPARED_SIZE = 256


def export_saved_model(
    model: str | Path,
    output: str | Path,
    *,
    precision: FloatType = "float32",
    device: Device = "any",
    warmup_sizes: Sequence[int] = (256,),
    max_megapixels: float = MAX_MEGAPIXELS,
) -> Exported:
    """Writes the next version of a model.

    Args:
        model: a run directory or a weights folder with both generators.
        output: folder of versions; `1`, `2`, ... in it are never overwritten.
        precision: number type of the weights and layers.
        device: what it is made for. `cpu` has operations that are faster on CPUs.
        warmup_sizes: sides of the photos in the warm-up requests, pixels.
        max_megapixels: bound of a request's batch x height x width, in millions, kept
            in the graph.

    Raises:
        InputError: no such model, a missing generator, or a wrong option or output.
        OSError: the output cannot be written; no version is left half-made.
    """
    max_pixels = round(1e6 * max_megapixels)
    _check_options(precision, device, warmup_sizes, max_pixels)
    inpainter = load_for_export(model)
    networks = [inpainter.edge_generator, inpainter.inpaint_generator]
    graph = exported_graph(inpainter, SAVED_MODEL[device], precision)
    signatures = build_signatures(graph, max_pixels, one_by_one=device == "cpu")
    facts = {
        "format": "saved-model",
        "precision": precision,
        "device": device,
        "source": inpainter.description,
        "sigma": inpainter.sigma,
        "networks": {network.name: dict(network.architecture) for network in networks},
        "parameters": sum(network.count_params() for network in _networks(graph)),
        "signatures": {name: _described(one) for name, one in signatures.items()},
        "max_pixels": max_pixels,
        "tf_edgeconnect": __version__,
        "tensorflow": tf.__version__,
    }
    with new_version(Path(output)) as partial:
        save_graph(graph, signatures, partial)
        warmed = write_warmup(partial, warmup_sizes)
        facts["warmup_sizes"] = list(warmup_sizes) if warmed else []
        served = tf.saved_model.load(str(partial)).signatures["serving_default"]

        def fill(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
            tensors = tf.constant(image), tf.constant(np.uint8(255) * mask)
            return served(image=tensors[0], mask=tensors[1])["inpainted"].numpy()

        size = min(_COMPARED_SIZE, int(max_pixels**0.5))
        pairs = load_examples(None, size, _COMPARED).pairs
        facts["comparison"] = str(compared(fill, inpainter, pairs))
        text = json.dumps(facts, indent=2, sort_keys=True) + "\n"
        (partial / "model.json").write_text(text)
        (partial / "README.md").write_text(model_card(facts), encoding="utf-8")
        config = Path(model) / "config.yaml"
        if config.is_file():
            shutil.copyfile(config, partial / "config.yaml")
        folder = publish(partial, Path(output))
    return Exported(folder, facts, _lines(folder, facts))


def save_graph(
    graph: InpaintGraph, signatures: dict[str, Callable], folder: str | Path
) -> None:
    """Writes a SavedModel of signatures that use the networks of a graph."""
    # Keras models as attributes would be stored a second time, and TF Serving would
    # not find their variables: the module holds the raw variables alone.
    module = tf.Module()
    module.weights = [v.value for one in _networks(graph) for v in one.variables]
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel("ERROR")  # it names a folder that is about to be renamed
    try:
        tf.saved_model.save(module, str(folder), signatures=signatures)
    finally:
        logger.setLevel(level)


def _networks(graph: InpaintGraph) -> list[keras.Model]:
    found = (graph.edge_generator, graph.inpaint_generator)
    return [network for network in found if network is not None]


def _check_options(
    precision: str, device: str, warmup_sizes: Sequence[int], max_pixels: int
) -> None:
    if precision not in PRECISIONS:
        raise InputError(
            f"precision must be one of {', '.join(PRECISIONS)}, got {precision!r}"
        )
    if device not in SAVED_MODEL:
        raise InputError(
            f"device must be one of {', '.join(SAVED_MODEL)}, got {device!r}"
        )
    if max_pixels < 1:
        raise InputError(
            f"max_megapixels must be more than 0, got {max_pixels / 1e6:g}"
        )
    for size in warmup_sizes:
        if size < 1 or size * size > max_pixels:
            raise InputError(
                f"warm-up size {size} must be 1 or more and its square at most "
                f"{max_pixels} pixels"
            )


def _described(function: Any) -> dict[str, Any]:
    concrete = function.get_concrete_function()
    inputs = {spec.name: spec for spec in concrete.structured_input_signature[0]}

    def parts(tensors: dict[str, Any]) -> dict[str, Any]:
        return {
            name: {"dtype": spec.dtype.name, "shape": spec.shape.as_list()}
            for name, spec in tensors.items()
        }

    return {"inputs": parts(inputs), "outputs": parts(concrete.structured_outputs)}


def _lines(folder: Path, facts: dict[str, Any]) -> list[str]:
    total = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    lines = [f"model: {facts['source']}"]
    for name, parts in facts["signatures"].items():
        takes, gives = (
            ", ".join(f"{key} {spec['dtype']}" for key, spec in parts[side].items())
            for side in ("inputs", "outputs")
        )
        lines.append(f"signature {name}: {takes} -> {gives}")
    lines.append(f"check: {facts['comparison']}")
    lines.append(f"requests: up to {facts['max_pixels'] / 1e6:g} megapixels")
    sizes = ", ".join(f"{size}x{size}" for size in facts["warmup_sizes"])
    warmup = f"warm-up: assets.extra/{WARMUP_FILE}, each signature at {sizes}"
    lines.append(warmup if sizes else NO_API)
    lines.append(f"made for: {_MADE_FOR[facts['device']]}")
    lines.append(f"size: {total / 1e6:.1f} MB on disk, {facts['precision']}")
    return [*lines, f"wrote {folder}"]
