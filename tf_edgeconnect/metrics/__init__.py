"""Streaming metrics: how well edges are drawn and how close a filled photo comes.

Each metric keeps float64 sums (counts of pixels or images, sums of errors) that add
up over batches and replicas, and computes its figure from the sums. A figure of
nothing, or a ratio without a denominator, is NaN. Masks: see `tf_edgeconnect.masking`.
"""
