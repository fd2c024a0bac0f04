"""Draws the three networks for the docs: `python docs/scripts/plot_networks.py`.

Needs Graphviz' `dot` and `pip install pydot`. The networks are those of the paper but
for their width (8 filters) and one residual block in place of eight, so that a picture
fits a page. Writes docs/images/networks/*.svg.
"""

from pathlib import Path

import keras

import tf_edgeconnect as ec

FOLDER = Path(__file__).parents[1] / "images" / "networks"


def main() -> None:
    """Draws and writes the pictures."""
    networks = [
        ec.edge_generator(filters=8, residual_blocks=1),
        ec.inpaint_generator(filters=8, residual_blocks=1),
        ec.patch_discriminator(channels=2, filters=8),
    ]
    FOLDER.mkdir(parents=True, exist_ok=True)
    for network in networks:
        # What plot_model draws; itself it fails on SVG where IPython is installed.
        graph = keras.utils.model_to_dot(
            network,
            show_shapes=True,
            show_layer_names=True,
            dpi=72,  # Graphviz 2.43 draws SVG of another resolution too large
        )
        graph.write_svg(FOLDER / f"{network.name}.svg")


if __name__ == "__main__":
    main()
