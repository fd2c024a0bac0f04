"""Evaluation as in the paper: one folder of results a system, tables that join them."""
