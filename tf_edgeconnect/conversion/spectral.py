"""The singular vector that PyTorch did not store before version 1.1."""

import numpy as np


def solve_v(
    original: np.ndarray, u: np.ndarray, normalized: np.ndarray, output_axis: int
) -> np.ndarray:
    """Solves for `v` of a spectrally normalized kernel from what was stored then.

    PyTorch up to 1.0 kept the kernel, `u` and the kernel divided by sigma. Later ones
    take the smallest `v` with `W v` along `u`, scaled so that `u . W v` is that sigma.

    Args:
        original: kernel in PyTorch's layout, `(out, in, kh, kw)`, or of a transposed
            convolution `(in, out, kh, kw)`.
        u: `(out,)`, the left singular vector.
        normalized: `original / sigma`.
        output_axis: 0, or 1 for a transposed convolution.

    Returns:
        `(in * kh * kw,)`, float64.

    Reference:
        torch.nn.utils.spectral_norm, upgrade of states before version 1.
    """
    matrix = np.moveaxis(original, output_axis, 0).astype(np.float64)
    matrix = matrix.reshape(matrix.shape[0], -1)
    whole, part = original.astype(np.float64), normalized.astype(np.float64)
    # The mean of W / (W / sigma), weighed so that entries near 0 add no noise.
    sigma = np.vdot(whole, part) / np.vdot(part, part)
    v = np.linalg.lstsq(matrix, u.astype(np.float64), rcond=None)[0]
    return v * (sigma / (u @ (matrix @ v)))
