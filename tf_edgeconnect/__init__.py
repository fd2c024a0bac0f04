"""EdgeConnect image inpainting in TensorFlow: lines first, colour next.

The names below are looked up when they are first used (PEP 562), so importing the
package imports no TensorFlow.

Example:
    >>> import tf_edgeconnect as ec
    >>> inpainter = ec.Inpainter.load("runs/quickstart")
    >>> filled = inpainter(image, mask).image  # uint8 arrays; mask: white = hole
"""

from importlib import import_module

from tf_edgeconnect.version import __version__

_HOMES = {
    "EdgeTrainer": "trainers.edge",
    "InpaintTrainer": "trainers.inpaint",
    "Inpainter": "inference",
    "InputError": "errors",
    "JointTrainer": "trainers.joint",
    "LiteInpainter": "inference.lite",
    "build_dataset": "data.pipeline",
    "canny": "data.edges",
    "composite": "masking",
    "edge_generator": "models.generators",
    "inpaint_generator": "models.generators",
    "load_config": "config",
    "mask_image": "masking",
    "patch_discriminator": "models.discriminators",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
