"""Filling holes with trained networks: `Inpainter` for arrays, another for files.

A uint8 photo and a mask enter, the filled photo and its edges leave, at the photo's own
size; known pixels are bit-identical. Masks follow the convention of `masking.py`.

Reference:
    Nazeri et al. 2019, arXiv:1901.00212, section 3.
"""

from tf_edgeconnect.inference.files import FileInpainter
from tf_edgeconnect.inference.graph import InpaintGraph, pad
from tf_edgeconnect.inference.inpainter import Inpainted, Inpainter

__all__ = ["FileInpainter", "InpaintGraph", "Inpainted", "Inpainter", "pad"]
