"""Layers that Keras lacks: published spectral norm, reflection padding, hole filling."""
