"""Edges of a photo: scikit-image's Canny in TensorFlow operations."""
