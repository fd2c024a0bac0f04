"""The public names, for type checkers and for `lazy_loader`."""

from .config import load_config
from .data.pipeline import build_dataset
from .edges.exact import canny
from .errors import InputError
from .inference.inpainter import Inpainter
from .masking import composite, mask_image
from .models.discriminators import patch_discriminator
from .models.generators import edge_generator, inpaint_generator
from .trainers.edge import EdgeTrainer
from .trainers.inpaint import InpaintTrainer, JointTrainer
from .version import __version__

__all__ = [
    "EdgeTrainer",
    "InpaintTrainer",
    "Inpainter",
    "InputError",
    "JointTrainer",
    "__version__",
    "build_dataset",
    "canny",
    "composite",
    "edge_generator",
    "inpaint_generator",
    "load_config",
    "mask_image",
    "patch_discriminator",
]
