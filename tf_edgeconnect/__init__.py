"""EdgeConnect image inpainting in TensorFlow: edges first, colour next.

The names that `__init__.pyi` lists are looked up when they are first used, so importing
the package imports no TensorFlow.

Example:
    >>> import tf_edgeconnect as ec
    >>> inpainter = ec.Inpainter.load("runs/quickstart")
    >>> filled = inpainter(image, mask).image  # uint8 arrays; mask: white = hole
"""

import lazy_loader

from tf_edgeconnect.registration import register_with_keras

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
register_with_keras()
