"""Bootstrap intervals of means over pictures.

The draws depend on the seed and the number of pictures alone: systems measured on the
same pictures, in the same order, are resampled alike.
"""

import numpy as np

LEVEL = 0.95
ROUNDS = 2000
SEED = 0


def mean_interval(
    values: np.ndarray, *, seed: int = SEED
) -> tuple[float, float] | None:
    """Percentile bootstrap interval of a mean.

    Args:
        values: `(n,)`, one a picture, drawn with replacement.
        seed: of the draws.

    Returns:
        The bounds at `LEVEL`; None for fewer than two pictures, which tell nothing of
        their spread.

    Reference:
        Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13.
    """
    count = len(values)
    if count < 2:
        return None
    generator = np.random.default_rng((seed, count))
    means = [
        values[generator.integers(count, size=count)].mean() for _ in range(ROUNDS)
    ]
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(means, (tail, 1 - tail))
    return float(low), float(high)
