"""Measures how well holes are filled, and writes reports."""
