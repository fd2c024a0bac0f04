"""Draws the suspects of all findings on one sheet."""

import io
import warnings
from collections.abc import Sequence

import numpy as np
from PIL import Image

from tf_edgeconnect.doctor.findings import Finding, Suspect
from tf_edgeconnect.doctor.looks import ERRORS
from tf_edgeconnect.figures import Tile, contact_sheet

COLUMNS = 8
OF_EACH = 16  # pictures of a finding, at most
DRAFT_SIDE = 288


def suspects_sheet(findings: Sequence[Finding]) -> Image.Image | None:
    """Draws a sheet: each finding begins a row.

    Args:
        findings: some with suspects.

    Returns:
        An RGB image; None where there is no suspect.
    """
    tiles: list[Tile] = []
    for finding in findings:
        shown = finding.suspects[:OF_EACH]
        tiles += [
            Tile(f"{finding.check}\n{suspect.name}", _picture(suspect))
            for suspect in shown
        ]
        tiles += [Tile("", None)] * (-len(tiles) % COLUMNS)
    if not tiles:
        return None
    return contact_sheet(tiles, columns=COLUMNS, title="suspects")


def _picture(suspect: Suspect) -> np.ndarray | None:
    """Decodes a suspect small; None where it cannot be."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(suspect.read()))
            image.draft(None, (DRAFT_SIDE, DRAFT_SIDE))
            return np.asarray(image.convert("RGB"))
    except ERRORS:
        return None
