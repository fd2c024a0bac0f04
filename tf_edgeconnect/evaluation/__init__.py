"""Measuring how well holes are filled, and reports of it."""
