"""3x3 convolutions by Winograd's algorithm beside TensorFlow's own, one core.

    TF_NUM_INTRAOP_THREADS=1 TF_NUM_INTEROP_THREADS=1 OMP_NUM_THREADS=1 \
        python benchmarks/fast_convolutions.py

Forward, and the gradients to input and kernel together, in ms of processor time, best
of several runs; the rounding is the root mean square of the difference, as a share
of the map's deviation.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import tensorflow as tf
from floors import best_seconds

from tf_edgeconnect.layers.winograd import winograd_convolution

# batch, side of the output, channels in, channels out
SHAPES = [
    (1, 256, 64, 64),
    (1, 128, 128, 128),
    (1, 64, 256, 256),
    (4, 64, 256, 256),
    (1, 32, 512, 512),
    (4, 32, 512, 512),
]


def direct(inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """TensorFlow's convolution."""
    return tf.nn.conv2d(inputs, kernel, 1, "SAME")


def fast(inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """Ours."""
    return winograd_convolution(inputs, kernel, around=1)


def main() -> None:
    """Prints the table."""
    print("| batch, side, channels | forward | fast | gradients | fast | rounding |")
    print("|---" * 6 + "|")
    for batch, side, before, after in SHAPES:
        inputs = tf.random.stateless_normal((batch, side, side, before), (1, 2))
        kernel = tf.random.stateless_normal((3, 3, before, after), (3, 4)) / 50
        upstream = tf.random.stateless_normal((batch, side, side, after), (5, 6))
        cells, answers = [], []
        for convolve in (direct, fast):
            forward, gradients = _runs(convolve, inputs, kernel, upstream)
            answers.append(forward())
            both = 1e3 * best_seconds(gradients, 1, rounds=3)
            once = 1e3 * best_seconds(forward, 1, rounds=3)
            cells.append((once, both - once))
        difference = tf.math.reduce_std(answers[1] - answers[0])
        share = difference / tf.math.reduce_std(answers[0])
        (once, back), (once_fast, back_fast) = cells
        print(
            f"| {batch}, {side}, {before} to {after} | {once:.0f} | {once_fast:.0f} "
            f"| {back:.0f} | {back_fast:.0f} | {float(share):.0e} |",
            flush=True,
        )


def _runs(convolve, inputs, kernel, upstream):
    @tf.function
    def forward():
        return convolve(inputs, kernel)

    @tf.function
    def gradients():
        with tf.GradientTape() as tape:
            tape.watch((inputs, kernel))
            found = convolve(inputs, kernel)
        return found, tape.gradient(found, (inputs, kernel), upstream)

    return forward, gradients


if __name__ == "__main__":
    main()
