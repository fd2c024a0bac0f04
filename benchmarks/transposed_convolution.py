"""A transposed convolution in TFLite as it is, and rewritten as a plain one.

    python benchmarks/transposed_convolution.py          (needs the extra `tflite`)

The decoders double a map by a transposed convolution (kernel 4, stride 2). The same
numbers come from a 3x3 convolution with four times the channels, of whose taps 5 in 9
are zero, and DEPTH_TO_SPACE. Prints, for both decoder layers of a full-size generator
at 256x256 and of a quarter as wide one, the largest difference and the processor time
of each on one thread.
"""

import os
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

LAYERS = [(64, 256, 128), (128, 128, 64), (64, 64, 32), (128, 32, 16)]
RUNS = 15


def rewritten_kernel(kernel: np.ndarray) -> np.ndarray:
    """Returns the plain kernel (3, 3, in, 4 * out) of a transposed (4, 4, out, in)."""
    outputs, inputs = kernel.shape[2:]
    plain = np.zeros((3, 3, inputs, 2, 2, outputs), np.float32)
    # Place in the doubled map (even, odd) -> (tap of the plain one, of the transposed).
    taps = [[(0, 3), (1, 1)], [(1, 2), (2, 0)]]
    for row, row_taps in enumerate(taps):
        for column, column_taps in enumerate(taps):
            for to_row, from_row in row_taps:
                for to_column, from_column in column_taps:
                    tap = kernel[from_row, from_column].T
                    plain[to_row, to_column, :, row, column] = tap
    return plain.reshape(3, 3, inputs, 4 * outputs)


def converted(function, shape: tuple[int, ...]) -> Interpreter:
    """Converts a function of one tensor to TFLite, on one thread."""
    module = tf.Module()
    spec = tf.TensorSpec(shape, tf.float32, "x")
    traced = tf.function(lambda x: {"y": function(x)}, input_signature=[spec])
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, signatures={"serving_default": traced})
        contents = tf.lite.TFLiteConverter.from_saved_model(folder).convert()
    return Interpreter(model_content=contents, num_threads=1)


def timed(interpreter: Interpreter, x: np.ndarray) -> tuple[np.ndarray, float]:
    """Returns the output and the least processor time of a run in milliseconds."""
    run = interpreter.get_signature_runner()
    seconds = []
    for _ in range(RUNS):
        start = time.process_time()
        y = run(x=x)["y"]
        seconds.append(time.process_time() - start)
    return y, 1000 * min(seconds)


def main() -> None:
    """Prints one line a layer."""
    rng = np.random.default_rng(0)
    print("| map | channels | difference | as it is, ms | rewritten, ms |")
    print("|---|---|---|---|---|")
    for side, inputs, outputs in LAYERS:
        kernel = rng.normal(0, 0.02, (4, 4, outputs, inputs)).astype(np.float32)
        x = rng.normal(0, 1, (1, side, side, inputs)).astype(np.float32)
        shape = (1, 2 * side, 2 * side, outputs)
        plain = rewritten_kernel(kernel)
        ways = [
            lambda x, k=kernel, s=shape: tf.nn.conv2d_transpose(x, k, s, 2, "SAME"),
            lambda x, k=plain: tf.nn.depth_to_space(tf.nn.conv2d(x, k, 1, "SAME"), 2),
        ]
        (one, first), (two, second) = (timed(converted(w, x.shape), x) for w in ways)
        print(
            f"| {side}x{side} | {inputs} to {outputs} | {np.abs(one - two).max():.0e} "
            f"| {first:.1f} | {second:.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
