"""Classic methods that learn nothing: what any model should beat."""

from typing import Literal

import numpy as np

from tf_edgeconnect.errors import InputError
from tf_edgeconnect.evaluation.pictures import Picture
from tf_edgeconnect.evaluation.systems import Filled, System

Baseline = Literal["telea", "ns"]

LABELS = {"telea": "Telea", "ns": "Navier-Stokes"}
RADIUS = 3  # pixels around a point that it is painted from, as in OpenCV's examples


def baseline_system(name: Baseline, *, label: str | None = None) -> System:
    """OpenCV's `inpaint`.

    Args:
        name: "telea" (fast marching) or "ns" (Navier-Stokes).
        label: head of its column; by default the method's name.

    Returns:
        The system.

    Raises:
        InputError: OpenCV cannot be imported.

    Reference:
        Telea, "An image inpainting technique based on the fast marching method", 2004.
        Bertalmio et al., "Navier-Stokes, fluid dynamics, and image and video
        inpainting", 2001.
    """
    try:
        import cv2
    except ImportError as error:  # opencv-python asks the system for libGL
        raise InputError(
            f"--baseline {name} needs OpenCV ({error}); "
            "run: pip install opencv-python-headless"
        ) from None
    method = {"telea": cv2.INPAINT_TELEA, "ns": cv2.INPAINT_NS}[name]

    def fill(_: str, picture: Picture) -> Filled:
        hole = picture.hole.astype(np.uint8)
        painted = cv2.inpaint(picture.photo, hole, RADIUS, method)
        return Filled(np.where(hole[..., None], painted, picture.photo))

    details = {
        "kind": "baseline",
        "label": label or LABELS[name],
        "edges": None,
        "method": name,
        "radius": RADIUS,
        "opencv": cv2.__version__,
    }
    return System(details, fill)
