"""What the machine allows: its rate of matrix products and of copies.

A floor in the benchmarks is the longer of operations / matrix rate and bytes / copy
rate: no program that does these operations one after the other on this machine can be
faster. Measured with TensorFlow's own kernels, best of several runs.
"""

import math
import time
from collections.abc import Callable, Iterator

import keras


def matrix_rate(dtype: str = "float32", threads: int = 1) -> float:
    """Returns operations a second, multiplications and additions each one.

    The best of a square product and of a 3x3 convolution of 256 channels: AMX units are
    reached better by the latter.
    """
    import tensorflow as tf

    square = tf.cast(tf.random.normal((2048, 2048)), dtype)
    maps = tf.cast(tf.random.normal((4, 66, 66, 256)), dtype)
    kernel = tf.cast(tf.random.normal((3, 3, 256, 256)), dtype)
    product = tf.function(lambda: tf.matmul(square, square))
    convolution = tf.function(lambda: tf.nn.conv2d(maps, kernel, 1, "VALID"))
    rates = (
        2 * 2048**3 / best_seconds(product, threads),
        2 * 4 * 64 * 64 * 9 * 256**2 / best_seconds(convolution, threads),
    )
    return max(rates)


def copy_rate(threads: int = 1) -> float:
    """Returns bytes a second, read and written, of maps beyond the caches."""
    import tensorflow as tf

    maps = tf.random.normal((64, 1024, 1024))
    add = tf.function(lambda: maps + 1)
    return 2 * 4 * 64 * 1024**2 / best_seconds(add, threads)


def floors_of(threads: int) -> dict[str, Callable[[int, int], tuple[float, float]]]:
    """Measures what the machine allows.

    Returns:
        Number type -> function of size and batch that gives the milliseconds of the
        operations and of the copies.
    """
    import tensorflow as tf

    import tf_edgeconnect as ec

    if threads:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    networks = ec.edge_generator(), ec.inpaint_generator()
    copies = copy_rate(threads)

    def floor(dtype: str) -> Callable[[int, int], tuple[float, float]]:
        item, rate = tf.as_dtype(dtype).size, matrix_rate(dtype, threads)
        print(f"{dtype}: {rate / 1e9:.0f} GFLOP/s, {copies / 1e9:.1f} GB/s")

        def least(size: int, batch: int) -> tuple[float, float]:
            work = sum(operations(network, size, size) for network in networks)
            moved = sum(moved_bytes(network, size, size, item) for network in networks)
            return 1000 * batch * work / rate, 1000 * batch * moved / copies

        return least

    return {dtype: floor(dtype) for dtype in ("float32", "bfloat16")}


def best_seconds(run, threads: int, rounds: int = 7) -> float:
    """Returns the best processor time on one thread, else the best clock time."""
    clock = time.process_time if threads == 1 else time.perf_counter
    run()
    found = []
    for _ in range(rounds):
        start = clock()
        run()
        found.append(clock() - start)
    return min(found)


def operations(network: keras.Model, height: int, width: int) -> int:
    """Counts the operations of the convolutions for one picture of a given size."""
    total = 0
    for layer in convolutions(network, height, width):
        # A kernel element meets each pixel of the smaller stride: of the output for a
        # convolution, of the input for a transposed one.
        transposed = isinstance(layer, keras.layers.Conv2DTranspose)
        shape = layer.input.shape if transposed else layer.output.shape
        total += 2 * math.prod(layer.kernel.shape) * math.prod(shape[1:3])
    return total


def moved_bytes(network: keras.Model, height: int, width: int, item: int = 4) -> int:
    """Counts what must pass through memory where only convolutions touch it.

    Each convolution reads its input and its kernel and writes its output once; norms,
    activations and padding are taken to cost nothing beside it.
    """
    return item * sum(
        math.prod(layer.input.shape[1:])
        + math.prod(layer.output.shape[1:])
        + layer.count_params()
        for layer in convolutions(network, height, width)
    )


def convolutions(
    network: keras.Model, height: int, width: int
) -> Iterator[keras.layers.Layer]:
    """Yields the convolutions of a network for one picture of a given size."""
    for layer in sized(network, height, width).layers:
        if isinstance(layer, keras.Model):
            yield from convolutions(layer, height, width)
        elif isinstance(layer, keras.layers.Conv2D | keras.layers.Conv2DTranspose):
            yield layer


def sized(network: keras.Model, height: int, width: int) -> keras.Model:
    """Copies a network for pictures of one size."""
    channels = network.input_shape[-1]
    inputs = keras.Input((height, width, channels))
    return keras.models.clone_model(network, input_tensors=inputs)
