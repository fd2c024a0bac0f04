"""What the trainers of all stages share: one adversarial step, optimizers, EMA, logs.

A step computes the generators' and the discriminators' losses from the same forward
pass, takes both gradients at the weights before the step and then applies both. A
subclass says what is computed (`compute_losses`) and what is measured (`test_step`).

Replicas: each loss is scaled by 1 / replicas in one place, because `Optimizer.apply`
sums gradients over replicas; means over the batch are thus means over the global batch.
"""

import contextlib
from typing import Any

import keras
import tensorflow as tf

ADAM = dict(beta_1=0.0, beta_2=0.9, epsilon=1e-8)


class AdversarialTrainer(keras.Model):
    """Base of the stage trainers: generators against discriminators.

    Batches are dicts of float32 tensors `image`, `gray`, `edge` and `mask` (see
    `data/pipeline.py`); other keys are passed over.

    Args:
        networks: every network of the stage by name, frozen ones too; None: the stage
            does without it.
        generators: names of those that the generator optimizer trains.
        discriminators: names of those that the discriminator optimizer trains.
        loss_names: what `compute_losses` returns, in the order of the logs.
        ema: decay of the moving average of the generators' weights, in [0, 1); 0: none.
            The first steps average over fewer: min(ema, (1 + step) / (10 + step)).
        name: name of the trainer, prefix of what it logs.
    """

    def __init__(
        self,
        networks: dict[str, keras.Model | None],
        generators: tuple[str, ...],
        discriminators: tuple[str, ...],
        loss_names: tuple[str, ...],
        *,
        ema: float = 0.0,
        name: str,
    ):
        super().__init__(name=name)
        if not 0 <= ema < 1:
            raise ValueError(f"`ema` must be at least 0 and below 1, got {ema}")
        present = {name: net for name, net in networks.items() if net is not None}
        self.networks = present
        for frozen in set(present) - set(generators) - set(discriminators):
            present[frozen].trainable = False
        self.generator_variables = _trainable(present, generators)
        self.discriminator_variables = _trainable(present, discriminators)
        self.ema = ema
        self.averages = []
        if ema:
            self.averages = [_average_of(v) for v in self.generator_variables]
        self.loss_names = tuple(loss_names)
        norms = [f"{name}/g_gradient_norm"]
        if self.discriminator_variables:
            norms.append(f"{name}/d_gradient_norm")
        # What must stay finite; running means since the last `reset_metrics`.
        self.watched = {
            key: keras.metrics.Mean(name=key) for key in (*loss_names, *norms)
        }
        self.train_metrics: list[keras.metrics.Metric] = []
        self.test_metrics: list[keras.metrics.Metric] = []
        self.built = True

    def compile(
        self,
        generator_optimizer: keras.optimizers.Optimizer | None = None,
        discriminator_optimizer: keras.optimizers.Optimizer | None = None,
        **kwargs: Any,
    ) -> None:
        """Sets the two optimizers; by default the published Adams (1e-4 and 1e-5).

        Args:
            generator_optimizer: for the generators' weights.
            discriminator_optimizer: for the discriminators' weights.
            **kwargs: of `keras.Model.compile`: `run_eagerly`, `jit_compile`,
                `steps_per_execution`.

        Raises:
            ValueError: for `jit_compile` or `steps_per_execution` above 1 with more
                than one replica, which Keras cannot do.
        """
        replicas = self.distribute_strategy.num_replicas_in_sync
        steps = kwargs.get("steps_per_execution", 1)
        jit_compile = kwargs.pop("jit_compile", False)
        if replicas > 1 and (jit_compile or steps > 1):
            raise ValueError(
                "`jit_compile` and `steps_per_execution` above 1 work on one replica "
                f"only, and this strategy has {replicas}"
            )
        generator_optimizer = generator_optimizer or keras.optimizers.Adam(1e-4, **ADAM)
        discriminator_optimizer = discriminator_optimizer or keras.optimizers.Adam(
            1e-5, **ADAM
        )
        super().compile(
            optimizer=generator_optimizer,
            loss=None,
            jit_compile=jit_compile,
            auto_scale_loss=False,
            **kwargs,
        )
        self.discriminator_optimizer = discriminator_optimizer
        with self.distribute_strategy.scope():
            self.optimizer.build(self.generator_variables)
            if self.discriminator_variables:
                discriminator_optimizer.build(self.discriminator_variables)

    def fit(self, *args: Any, **kwargs: Any) -> keras.callbacks.History:
        """Trains as `keras.Model.fit` does.

        Raises:
            ValueError: under MultiWorkerMirroredStrategy, where Keras 3.15 cannot.
        """
        if isinstance(
            self.distribute_strategy, tf.distribute.MultiWorkerMirroredStrategy
        ):
            raise ValueError(
                "Keras' `fit` fails under MultiWorkerMirroredStrategy: use "
                "`tf-edgeconnect train --strategy multi-worker`, or a loop of your own "
                "over `strategy.run(trainer.train_step, args=(batch,))`"
            )
        return super().fit(*args, **kwargs)

    def compute_losses(self, batch: dict, training: bool) -> tuple[dict, dict, dict]:
        """Runs the networks and weighs the losses; each stage's own.

        Args:
            batch: see the class.
            training: whether spectral norms take their power iteration.

        Returns:
            Weighted losses of the generators by name, of the discriminators by name
            (together `loss_names`), and the pictures that `call` returns.
        """
        raise NotImplementedError(f"{type(self).__name__} must define compute_losses")

    def train_step(self, batch: dict) -> dict:
        """Takes one step and returns the running means of what is logged."""
        with tf.GradientTape(persistent=True) as tape:
            generator_losses, discriminator_losses, pictures = self.compute_losses(
                batch, training=True
            )
            generator_loss = _per_replica(sum(generator_losses.values()))
            discriminator_loss = _per_replica(sum(discriminator_losses.values()))

        gradients = [tape.gradient(generator_loss, self.generator_variables)]
        if self.discriminator_variables:
            gradients.append(
                tape.gradient(discriminator_loss, self.discriminator_variables)
            )
        del tape
        self.optimizer.apply(gradients[0], self.generator_variables)
        if self.discriminator_variables:
            self.discriminator_optimizer.apply(
                gradients[1], self.discriminator_variables
            )
        self._average()

        self._watch({**generator_losses, **discriminator_losses}, gradients)
        self.measure(self.train_metrics, batch, pictures)
        return self.train_results()

    def test_step(self, batch: dict) -> dict:
        """Measures one batch of held-out photos; the figures run over all batches."""
        self.measure(self.test_metrics, batch, self(batch, training=False))
        return self.test_results()

    def measure(self, metrics: list, batch: dict, pictures: dict) -> None:
        """Updates the metrics of this stage from a batch and its pictures."""
        raise NotImplementedError(f"{type(self).__name__} must define measure")

    @property
    def metrics(self) -> list:
        """All metrics that Keras is to reset between epochs."""
        return [*self.watched.values(), *self.train_metrics, *self.test_metrics]

    def train_results(self) -> dict:
        """Returns what is logged of training, means since the last reset."""
        return _results([*self.watched.values(), *self.train_metrics])

    def test_results(self) -> dict:
        """Returns the figures over all batches of `test_step` since the last reset."""
        return _results(self.test_metrics)

    def _watch(self, losses, gradients):
        values = [losses[name] for name in self.loss_names]
        # A replica's gradients are of its loss / replicas: undo that for the log.
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        values += [replicas * tf.linalg.global_norm(each) for each in gradients]
        for metric, value in zip(self.watched.values(), values, strict=True):
            metric.update_state(value)

    def _average(self):
        step = tf.cast(self.optimizer.iterations, tf.float32)
        decay = tf.minimum(self.ema, (1 + step) / (10 + step))
        for variable, average in self._averaged_pairs():
            average.assign(average + (1 - decay) * (variable - average))

    def _averaged_pairs(self):
        if not self.ema:
            return []
        return list(zip(self.generator_variables, self.averages, strict=True))

    def restart_averages(self) -> None:
        """Sets the moving averages to the weights, which were loaded from elsewhere."""
        for variable, average in self._averaged_pairs():
            average.assign(keras.ops.convert_to_numpy(variable))

    @contextlib.contextmanager
    def averaged_weights(self):
        """Puts the moving averages in place of the generators' weights for a while.

        Without EMA it changes nothing.
        """
        to_numpy = keras.ops.convert_to_numpy
        pairs = self._averaged_pairs()
        kept = [to_numpy(variable).copy() for variable, _ in pairs]
        for variable, average in pairs:
            variable.assign(to_numpy(average))
        try:
            yield
        finally:
            for (variable, _), value in zip(pairs, kept, strict=True):
                variable.assign(value)


def _trainable(networks, names):
    found = (networks[name] for name in names if name in networks)
    return [v for network in found for v in network.trainable_variables]


def _average_of(variable):
    return keras.Variable(
        keras.ops.convert_to_numpy(variable),
        trainable=False,
        name=f"average_{variable.name}",
        aggregation="only_first_replica",  # equal on all replicas
    )


def _per_replica(loss):
    return loss / tf.distribute.get_strategy().num_replicas_in_sync


def global_mean(value: tf.Tensor) -> tf.Tensor:
    """Returns the mean of a scalar over the replicas of the current step."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return value
    return context.all_reduce(tf.distribute.ReduceOp.MEAN, value)


def _results(metrics):
    results = {}
    for metric in metrics:
        value = metric.result()
        results.update(value if isinstance(value, dict) else {metric.name: value})
    return results
