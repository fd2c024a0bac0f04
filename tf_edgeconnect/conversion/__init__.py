"""Brings checkpoints and configs of the published PyTorch system along."""
