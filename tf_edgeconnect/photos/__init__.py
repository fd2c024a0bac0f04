"""Reads and writes image files, without TensorFlow."""
