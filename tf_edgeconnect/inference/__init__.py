"""Filling holes with trained networks: `Inpainter` for arrays, another for files.

A uint8 photo and a mask enter, the filled photo and its edges leave, at the photo's own
size; known pixels are bit-identical. Masks follow the convention of `masking.py`.

The names below are looked up when they are first used (PEP 562): `LiteInpainter` needs
no TensorFlow.

Reference:
    Nazeri et al. 2019, arXiv:1901.00212, section 3.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tf_edgeconnect.inference.arrays import Inpainted as Inpainted
    from tf_edgeconnect.inference.files import FileInpainter as FileInpainter
    from tf_edgeconnect.inference.graph import InpaintGraph as InpaintGraph
    from tf_edgeconnect.inference.graph import pad as pad
    from tf_edgeconnect.inference.inpainter import Inpainter as Inpainter
    from tf_edgeconnect.inference.lite import LiteInpainter as LiteInpainter

_HOMES = {
    "FileInpainter": "files",
    "InpaintGraph": "graph",
    "Inpainted": "arrays",
    "Inpainter": "inpainter",
    "LiteInpainter": "lite",
    "pad": "graph",
}

__all__ = list(_HOMES)


if not TYPE_CHECKING:  # a checker would take every name for one of these

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
