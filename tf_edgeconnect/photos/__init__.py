"""Image files in and out, with NumPy and Pillow and without TensorFlow."""
