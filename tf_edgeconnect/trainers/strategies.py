"""From the word of `--strategy` to devices and workers.

A process keeps one strategy of each kind: a second one would number its collective
operations from the start again, and TensorFlow 2.21 takes them for the first's.
"""

import functools
import os
from typing import Literal

import tensorflow as tf

from tf_edgeconnect.errors import InputError, WorkerLost
from tf_edgeconnect.trainers.cluster import Cluster, read_cluster, wait_for_all
from tf_edgeconnect.trainers.signals import take_back_sigterm
from tf_edgeconnect.trainers.workers import Workers

StrategyName = Literal["auto", "single", "mirrored", "multi-worker"]


def choose_strategy(
    name: StrategyName,
    batch_size: int,
    *,
    accumulate: int = 1,
    jit_compile: bool = False,
) -> Workers:
    """Turns the word into a strategy and the workers that share it.

    Args:
        name: "auto" takes all workers where `TF_CONFIG` names several, else all GPUs
            where there are several, else one device.
        batch_size: photos a step, over all replicas.
        accumulate: parts of a replica's batch.
        jit_compile: whether XLA is to compile the step.

    Raises:
        InputError: if there is nothing to mirror over, `TF_CONFIG` is missing or
            wrong, the batch does not divide, or XLA would have several replicas.
        WorkerLost: if another worker ended while this one joined.
    """
    if name == "multi-worker" or (name == "auto" and _is_one_of_several()):
        workers = _all_workers(read_cluster())
    else:
        workers = Workers(_of_this_machine(name))
    replicas = workers.strategy.num_replicas_in_sync
    if batch_size % replicas:
        raise InputError(
            f"train.batch_size {batch_size} does not divide over {replicas} devices; "
            f"take a multiple of {replicas}"
        )
    share = batch_size // replicas
    if share % accumulate:
        raise InputError(
            f"train.accumulate {accumulate} does not divide {share}, the share of "
            f"train.batch_size {batch_size} that each of {replicas} devices has"
        )
    if jit_compile and replicas > 1:
        raise InputError(
            f"train.jit_compile works on one device only, and there are {replicas}: "
            "XLA cannot compile what the replicas exchange; switch it off, or take "
            "--strategy single"
        )
    return workers


def _is_one_of_several() -> bool:
    # Some platforms set TF_CONFIG for a single machine too.
    return bool(os.environ.get("TF_CONFIG")) and len(read_cluster().addresses) > 1


@functools.cache
def _all_workers(cluster: Cluster) -> Workers:
    wait_for_all(cluster)
    try:
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
    except tf.errors.OpError as error:
        reason = error.message.strip().splitlines()[0]
        raise WorkerLost(
            f"worker {cluster.index} cannot join the others ({reason}): some of them "
            "may be of an earlier start; once those have ended, start all again"
        ) from error
    take_back_sigterm()
    return Workers(strategy, cluster.index, len(cluster.addresses))


def _of_this_machine(name: StrategyName) -> tf.distribute.Strategy:
    gpus = tf.config.list_logical_devices("GPU")
    devices = gpus or tf.config.list_logical_devices("CPU")
    if name == "single" or (name == "auto" and len(gpus) < 2):
        return tf.distribute.get_strategy()
    if len(devices) < 2:
        raise InputError(
            "--strategy mirrored needs two GPUs or more, and TensorFlow finds "
            f"{len(gpus)}; use --strategy single"
        )
    return _mirrored(tuple(device.name for device in devices))


@functools.cache
def _mirrored(devices: tuple[str, ...]) -> tf.distribute.Strategy:
    return tf.distribute.MirroredStrategy(devices)
