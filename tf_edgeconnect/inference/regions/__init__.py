"""Large photos: which parts the networks see, at what scale, and how results join.

NumPy only, so that a client without TensorFlow uses it too. A hole is bool `(H, W)`,
true = hole. `choose` names the strategy, `plan_areas` the parts of the photo, and
`paint` runs a function of yours on them, which only ever sees photos of at most
`side` x `side` pixels, and puts what it paints into the hole. Pixels outside the hole
are never written.

Example:
    >>> large = choose(hole.shape, "auto")
    >>> filled = image.copy()
    >>> paint(filled, Scene(image, hole), plan_areas(hole, "crop"), run)
"""

from tf_edgeconnect.inference.regions.areas import Large, choose, plan_areas
from tf_edgeconnect.inference.regions.boxes import RUN_SIDE, Area, Box
from tf_edgeconnect.inference.regions.painting import Run, Scene, paint

__all__ = [
    "RUN_SIDE",
    "Area",
    "Box",
    "Large",
    "Run",
    "Scene",
    "choose",
    "paint",
    "plan_areas",
]
