"""EdgeConnect image inpainting in TensorFlow: lines first, colour next.

The names below are looked up when they are first used (PEP 562), so importing the
package imports no TensorFlow.

Example:
    >>> import tf_edgeconnect as ec
    >>> inpainter = ec.Inpainter.load("runs/quickstart")
    >>> filled = inpainter(image, mask).image  # uint8 arrays; mask: white = hole
"""

from importlib import import_module
from typing import TYPE_CHECKING

from tf_edgeconnect.registration import register_with_keras
from tf_edgeconnect.version import __version__ as __version__

if TYPE_CHECKING:
    from tf_edgeconnect.config import load_config as load_config
    from tf_edgeconnect.data.pipeline import build_dataset as build_dataset
    from tf_edgeconnect.edges.exact import canny as canny
    from tf_edgeconnect.errors import InputError as InputError
    from tf_edgeconnect.inference.inpainter import Inpainter as Inpainter
    from tf_edgeconnect.masking import composite as composite
    from tf_edgeconnect.masking import mask_image as mask_image
    from tf_edgeconnect.models.discriminators import (
        patch_discriminator as patch_discriminator,
    )
    from tf_edgeconnect.models.generators import edge_generator as edge_generator
    from tf_edgeconnect.models.generators import inpaint_generator as inpaint_generator
    from tf_edgeconnect.trainers.edge import EdgeTrainer as EdgeTrainer
    from tf_edgeconnect.trainers.inpaint import InpaintTrainer as InpaintTrainer
    from tf_edgeconnect.trainers.joint import JointTrainer as JointTrainer

_HOMES = {
    "EdgeTrainer": "trainers.edge",
    "InpaintTrainer": "trainers.inpaint",
    "Inpainter": "inference.inpainter",
    "InputError": "errors",
    "JointTrainer": "trainers.joint",
    "build_dataset": "data.pipeline",
    "canny": "edges.exact",
    "composite": "masking",
    "edge_generator": "models.generators",
    "inpaint_generator": "models.generators",
    "load_config": "config",
    "mask_image": "masking",
    "patch_discriminator": "models.discriminators",
}

__all__ = ["__version__", *_HOMES]


if not TYPE_CHECKING:  # a checker would take every name for one of these

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


register_with_keras()
