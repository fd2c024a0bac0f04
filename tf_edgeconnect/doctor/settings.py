"""Checks on settings that are valid and still do what nobody wants."""

from tf_edgeconnect.config import Config
from tf_edgeconnect.doctor.findings import Finding
from tf_edgeconnect.edges.exact import NO_EDGES


def check_settings(config: Config) -> list[Finding]:
    """Finds settings that stop a run or spoil its result.

    Args:
        config: of the run.
    """
    data, mask, losses = config.data, config.mask, config.losses
    found = []
    low, high = mask.hole_ratio
    if mask.kinds.get("irregular") and (low == 0 or high == 1):
        found.append(
            Finding(
                "error",
                "hole-ratio-range",
                f"mask.hole_ratio is {low:g} to {high:g}",
                "irregular holes cover more than 0 and less than 1; set it between",
            )
        )
    if data.val is None and data.val_fraction == 0 and data.train != "sample:":
        found.append(
            Finding(
                "warning",
                "no-validation",
                "data.val_fraction is 0, so validation sees the training photos",
                "its scores say nothing of other photos; set data.val_fraction=0.05",
            )
        )
    if losses.vgg_weights == "random" and (losses.perceptual or losses.style):
        found.append(
            Finding(
                "warning",
                "random-vgg",
                "losses.vgg_weights is random, which is for trying things out",
                "give a VGG19 file, or set losses.perceptual=0 and losses.style=0",
            )
        )
    if config.edge.sigma == NO_EDGES and config.edge.source == "canny":
        found.append(
            Finding(
                "note",
                "edges-off",
                "edge.sigma is -1: networks see no edges, stage edge learns nothing",
                "set edge.sigma=2 if that is not meant",
            )
        )
    return found
