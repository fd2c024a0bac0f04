"""What the metrics share: a sum over a count, exact over batches and replicas."""

import keras
from keras import ops


def ratio(part, whole):
    """Divides `part` by `whole`; NaN, without a warning, where the whole is 0."""
    return ops.where(whole > 0, part / ops.where(whole > 0, whole, 1), float("nan"))


class SumOverCount(keras.metrics.Metric):
    """A sum divided by a count, both summed over batches and replicas.

    Unlike `keras.metrics.Mean` it keeps float64 sums, which do not stall after 2**24
    pixels, and it gives NaN instead of 0 where nothing was counted.
    """

    def __init__(self, name: str, dtype: str | None = None):
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_variable((), "zeros", dtype="float64", name="total")
        self.count = self.add_variable((), "zeros", dtype="float64", name="count")

    def add(self, total, count) -> None:
        """Adds a batch's sum and count, two scalars."""
        self.total.assign_add(ops.cast(total, "float64"))
        self.count.assign_add(ops.cast(count, "float64"))

    def result(self):
        """The figure over everything seen, a scalar; NaN where nothing counted."""
        total, count = (ops.convert_to_tensor(v) for v in (self.total, self.count))
        return ops.cast(ratio(total, count), self.dtype)
