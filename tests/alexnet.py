"""An AlexNet of random weights, as LPIPS' weights file has it."""

import numpy as np

# Kernel, stride and padding of each convolution, and the filters it has.
LAYERS = [
    (11, 4, 2, 64),
    (5, 1, 2, 192),
    (3, 1, 1, 384),
    (3, 1, 1, 256),
    (3, 1, 1, 256),
]


def random_weights() -> dict[str, np.ndarray]:
    """Draws the arrays of a weights file, the same ones at each call."""
    rng, arrays, inputs = np.random.default_rng(0), {}, 3
    for i, (side, _, _, filters) in enumerate(LAYERS):
        kernel = rng.normal(
            0, (2 / (side * side * inputs)) ** 0.5, (side, side, inputs, filters)
        )
        arrays[f"AlexNet_0.Conv_{i}.kernel"] = kernel.astype("float32")
        arrays[f"AlexNet_0.Conv_{i}.bias"] = rng.normal(0, 0.1, filters).astype(
            "float32"
        )
        head = rng.random((1, 1, filters, 1)).astype("float32")
        arrays[f"NetLinLayer_{i}.Conv_0.kernel"] = head
        inputs = filters
    return arrays
