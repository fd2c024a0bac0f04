"""Converts checkpoints and configs of the published PyTorch system."""
