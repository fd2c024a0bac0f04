"""What an export starts from: both generators of a model, or a refusal."""

from pathlib import Path

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.inference import Inpainter
from tf_edgeconnect.inference.loading import is_weights


def load_for_export(path: str | Path) -> Inpainter:
    """Loads a model that has all an export needs.

    Args:
        path: a run directory or a weights folder, with both generators.

    Returns:
        The networks in float32, as trained.

    Raises:
        InputError: the path is no model, is an export already, or lacks a generator.
    """
    if not is_weights(path):
        raise InputError(
            f"model {path} is an export already; give the run directory or weights "
            "folder that it was made from"
        )
    inpainter = Inpainter.load(path)
    for stage, network in (
        ("edge", inpainter.edge_generator),
        ("inpaint", inpainter.inpaint_generator),
    ):
        if network is None:
            raise InputError(
                f"model {path} has no {stage} generator, and an export needs both; "
                f"train it with `tf-edgeconnect train --stage {stage}` in the same run"
            )
    return inpainter
