"""Fills the holes of any number of photos by an Apache Beam pipeline, and restarts.

Photos come as a folder, a list of files or TFRecord files, results go to PNG files or
TFRecord files of one folder. A result is complete or absent, so what a killed run has
finished is found at the next start. Only `pipeline.py` imports Beam.
"""
