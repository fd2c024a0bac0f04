"""Metrics of predicted edges and of filled photos.

The streaming metrics keep float64 sums, which add up over batches and replicas. A ratio
with a denominator of 0 is NaN. Masks are those of `tf_edgeconnect.masking`.
"""
