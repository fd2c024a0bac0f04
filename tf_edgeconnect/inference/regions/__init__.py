"""Large photos: which parts the networks see, at what scale, and how results join.

NumPy and SciPy only. `choose` names the way, `plan_areas` the parts of the photo, and
`paint` runs a function of yours on them, which only ever sees photos of at most
`side` x `side` pixels, and puts what it paints into the hole. Pixels outside the hole
are never written.
"""

from tf_edgeconnect.inference.regions.areas import (
    RUN_SIDE,
    Area,
    Box,
    Large,
    Way,
    choose,
    plan_areas,
)
from tf_edgeconnect.inference.regions.painting import paint

__all__ = [
    "RUN_SIDE",
    "Area",
    "Box",
    "Large",
    "Way",
    "choose",
    "paint",
    "plan_areas",
]
