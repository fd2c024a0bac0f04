"""The stages of training, from the first to the most advanced."""

from typing import Literal, get_args

Stage = Literal["edge", "inpaint", "edge-inpaint", "joint"]
STAGES: tuple[Stage, ...] = get_args(Stage)
PUBLISHED_STAGES: tuple[Stage, ...] = ("edge", "inpaint", "joint")  # the paper's
