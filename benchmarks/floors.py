"""What the machine allows: its rate of matrix products and of copies.

A floor in the benchmarks is the longer of operations / matrix rate and bytes / copy
rate: no program that does these operations one after the other on this machine can be
faster. Measured with TensorFlow's own kernels, best of several runs.
"""

import time

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
    fixed = _sized(network, height, width)
    total = 0
    for layer in fixed.layers:
        if not isinstance(layer, keras.layers.Conv2D | keras.layers.Conv2DTranspose):
            continue
        # A kernel element meets each pixel of the smaller stride: of the output for a
        # convolution, of the input for a transposed one.
        transposed = isinstance(layer, keras.layers.Conv2DTranspose)
        shape = layer.input.shape if transposed else layer.output.shape
        taps = 1
        for size in layer.kernel.shape:
            taps *= size
        total += 2 * taps * shape[1] * shape[2]
    return total


def moved_bytes(network: keras.Model, height: int, width: int, item: int = 4) -> int:
    """Counts what must pass through memory where only convolutions touch it.

    Each convolution reads its input and its kernel and writes its output once; norms,
    activations and padding are taken to cost nothing beside it.
    """
    fixed = _sized(network, height, width)
    total = 0
    for layer in fixed.layers:
        if isinstance(layer, keras.layers.Conv2D | keras.layers.Conv2DTranspose):
            for shape in (layer.input.shape[1:], layer.output.shape[1:]):
                total += item * shape[0] * shape[1] * shape[2]
            total += item * layer.count_params()
    return total


def _sized(network: keras.Model, height: int, width: int) -> keras.Model:
    channels = network.input_shape[-1]
    inputs = keras.Input((height, width, channels))
    return keras.models.clone_model(network, input_tensors=inputs)
