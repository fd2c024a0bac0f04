"""Draws the suspects of all findings on one sheet."""

import io
import warnings
from collections.abc import Sequence

import numpy as np
from PIL import Image

from tf_edgeconnect.doctor.findings import Finding, Suspect
from tf_edgeconnect.doctor.looks import ERRORS
from tf_edgeconnect.figures import grid

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
    rows, captions = [], []
    for finding in findings:
        shown = finding.suspects[:OF_EACH]
        for start in range(0, len(shown), COLUMNS):
            part = shown[start : start + COLUMNS]
            rows.append([_picture(suspect) for suspect in part])
            captions.append([f"{finding.check}\n{suspect.name}" for suspect in part])
    return grid(rows, captions=captions, tile=144, title="suspects") if rows else None


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
