"""Layers that Keras lacks: spectral norm, reflection padding, hole filling."""
