"""Loss terms as plain functions: target first, one scalar mean out.

Weights, the scaling over replicas and stopped gradients live in the trainers.
"""
