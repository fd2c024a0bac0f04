"""The stages of training, and the choices that settings and trainers share."""

from typing import Literal, get_args

Stage = Literal["edge", "inpaint", "edge-inpaint", "joint"]
STAGES: tuple[Stage, ...] = get_args(Stage)
PUBLISHED_STAGES: tuple[Stage, ...] = ("edge", "inpaint", "joint")  # the paper's

Design = Literal["published", "quick"]  # of both generators
Focus = Literal["photo", "hole"]  # of the inpaint losses
AdversarialKind = Literal["nonsaturating", "lsgan", "hinge"]
HoleEdges = Literal["canny", "none", "predicted"]  # what stage inpaint is trained on
