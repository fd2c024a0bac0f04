"""Filling holes with trained networks: `Inpainter` for arrays, `files` for files.

A uint8 photo and a mask enter, the filled photo and its edges leave, at the photo's own
size; known pixels are bit-identical. Masks follow the convention of `masking.py`. A
`Backend` runs the networks; adding one takes a module in `backends` and a line in
`loading`.

Reference:
    Nazeri et al. 2019, arXiv:1901.00212, section 3.
"""

from tf_edgeconnect.inference.arrays import Inpainted
from tf_edgeconnect.inference.inpainter import Inpainter

__all__ = ["Inpainted", "Inpainter"]
