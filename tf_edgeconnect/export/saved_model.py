"""Exports a model as one version of a SavedModel for TF Serving.

Enters: a run directory or a weights folder. Leaves: `OUTPUT/N/` with the SavedModel,
`assets.extra/tf_serving_warmup_requests`, `README.md` (the model card), `model.json`
and, where the model is a run, its `config.yaml`.
"""

import dataclasses
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.export.comparison import compare, errors_only
from tf_edgeconnect.export.folding import FloatType
from tf_edgeconnect.export.model_card import model_card
from tf_edgeconnect.export.serving_network import serving_graph
from tf_edgeconnect.export.signatures import build_signatures
from tf_edgeconnect.export.source import load_for_export
from tf_edgeconnect.export.versions import new_version
from tf_edgeconnect.export.warmup import NO_API, WARMUP_FILE, write_warmup
from tf_edgeconnect.inference import Inpainter
from tf_edgeconnect.inference.graph import InpaintGraph
from tf_edgeconnect.photos.headers import MAX_PIXELS
from tf_edgeconnect.version import __version__

PRECISIONS = ("float32", "bfloat16", "float16")


@dataclasses.dataclass(frozen=True)
class Exported:
    """One exported version.

    Attributes:
        folder: of the version.
        facts: what its `model.json` holds.
        lines: what to tell the user.
    """

    folder: Path
    facts: dict[str, Any]
    lines: list[str]


def export_saved_model(
    model: str | Path,
    output: str | Path,
    *,
    precision: FloatType = "float32",
    warmup_sizes: Sequence[int] = (256,),
    max_pixels: int = MAX_PIXELS,
) -> Exported:
    """Writes the next version of a model.

    Args:
        model: a run directory or a weights folder with both generators.
        output: folder of versions; `1`, `2`, ... in it are never overwritten.
        precision: number type of the weights and hidden layers.
        warmup_sizes: sides of the photos in the warm-up requests, pixels.
        max_pixels: bound of a request's batch x height x width, kept in the graph.

    Returns:
        Where it lies and what to tell.

    Raises:
        InputError: no such model, a generator lacks, or a wrong option or output.
        OSError: the output cannot be written; no version is left half-made.
    """
    _check_options(precision, warmup_sizes, max_pixels)
    inpainter = load_for_export(model)
    graph = serving_graph(inpainter, precision)
    with new_version(output) as version:
        signatures = build_signatures(graph, max_pixels)
        save_graph(graph, signatures, version.partial)
        warmed = write_warmup(version.partial, warmup_sizes)
        facts = {
            **_facts(inpainter, graph, signatures),
            "precision": precision,
            "max_pixels": max_pixels,
            "warmup_sizes": list(warmup_sizes) if warmed else [],
            "comparison": str(compare(version.partial, inpainter, max_pixels)),
        }
        text = json.dumps(facts, indent=2, sort_keys=True) + "\n"
        (version.partial / "model.json").write_text(text)
        (version.partial / "README.md").write_text(model_card(facts))
        config = Path(model) / "config.yaml"
        if config.is_file():
            shutil.copyfile(config, version.partial / "config.yaml")
    return Exported(version.folder, facts, _lines(version.folder, facts))


def save_graph(
    graph: InpaintGraph, signatures: dict[str, Callable], folder: str | Path
) -> None:
    """Writes a SavedModel that TF Serving can load, its weights stored once.

    Args:
        graph: whose networks the signatures use.
        signatures: from `build_signatures`.
        folder: to write to.
    """
    # Keras models as attributes would be stored a second time, and TF Serving would
    # not find their variables: the module holds the raw variables alone.
    module = tf.Module()
    networks = _present(graph.edge_generator, graph.inpaint_generator)
    module.weights = [v.value for network in networks for v in network.variables]
    with errors_only():  # it names a folder that is about to be renamed
        tf.saved_model.save(module, str(folder), signatures=signatures)


def _check_options(
    precision: str, warmup_sizes: Sequence[int], max_pixels: int
) -> None:
    if precision not in PRECISIONS:
        raise InputError(
            f"precision must be one of {', '.join(PRECISIONS)}, got {precision!r}"
        )
    if max_pixels < 1:
        raise InputError(f"max_pixels must be 1 or more, got {max_pixels}")
    for size in warmup_sizes:
        if size < 1 or size * size > max_pixels:
            raise InputError(
                f"warm-up size {size} must be 1 or more and its square at most "
                f"{max_pixels} pixels"
            )


def _facts(
    inpainter: Inpainter, graph: InpaintGraph, signatures: dict[str, Callable]
) -> dict[str, Any]:
    networks = _present(inpainter.edge_generator, inpainter.inpaint_generator)
    plain = _present(graph.edge_generator, graph.inpaint_generator)
    return {
        "format": "saved-model",
        "source": inpainter.description,
        "sigma": inpainter.sigma,
        "networks": {network.name: dict(network.architecture) for network in networks},
        "parameters": sum(network.count_params() for network in plain),
        "signatures": {
            name: _described(function) for name, function in signatures.items()
        },
        "tf_edgeconnect": __version__,
        "tensorflow": tf.__version__,
    }


def _present(*networks: keras.Model | None) -> list[keras.Model]:
    return [network for network in networks if network is not None]


def _described(function: Any) -> dict[str, Any]:
    concrete = function.get_concrete_function()
    _, inputs = concrete.structured_input_signature
    inputs = inputs or {
        spec.name: spec for spec in concrete.structured_input_signature[0]
    }

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
    if facts["warmup_sizes"]:
        sizes = ", ".join(f"{size}x{size}" for size in facts["warmup_sizes"])
        lines.append(f"warm-up: assets.extra/{WARMUP_FILE}, each signature at {sizes}")
    else:
        lines.append(NO_API)
    lines.append(f"size: {total / 1e6:.1f} MB on disk, {facts['precision']}")
    lines.append(f"wrote {folder}")
    return lines
