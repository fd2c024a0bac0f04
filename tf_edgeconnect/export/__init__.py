"""Trained networks as files that other programs run.

A run directory or a weights folder enters; for TF Serving a numbered version folder
with one SavedModel leaves. Everything from the photo to the filled photo is in its
signatures: checks of what is sent, Canny, padding, both networks and the composite.
`signatures.py` owns what each signature takes and gives.
"""
