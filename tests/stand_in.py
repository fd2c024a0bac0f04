"""A stand-in for an exported model: signatures of plain arithmetic, saved in a second.

Holes are filled with the inverse of what lies there, and the edges are the mask.
"""

import json
from pathlib import Path

import tensorflow as tf

from tf_edgeconnect.export.signatures import build_signatures


class InverseGraph:
    """Has the methods of `InpaintGraph`; edges are the mask, holes are inverted."""

    def fill(self, image, mask):
        hole = mask > 0
        return tf.where(hole, 255 - image, image), tf.cast(hole, tf.uint8) * 255

    def completed_edges(self, image, mask):
        return self.fill(image, mask)[1]

    def fill_along(self, image, mask, edges):
        painted = tf.where(mask > 0, tf.broadcast_to(edges, tf.shape(image)), image)
        return painted, edges


def save_stand_in(folder: Path, max_pixels: int, versions=("1",)) -> Path:
    """Writes versions of the stand-in as `export` writes those of a model."""
    signatures = build_signatures(InverseGraph(), max_pixels)
    module = tf.Module()
    module.signatures_held = list(signatures.values())
    facts = {"sigma": 2.0, "max_pixels": max_pixels, "source": "a stand-in"}
    for version in versions:
        tf.saved_model.save(module, str(folder / version), signatures=signatures)
        (folder / version / "model.json").write_text(json.dumps(facts))
    return folder
