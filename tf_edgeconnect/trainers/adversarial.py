"""The base of all trainers: the adversarial step, optimizers, EMA and logs.

A step computes the generators' and the discriminators' losses from the same forward
pass, takes both gradients at the weights before the step and then applies both. A
subclass is a choice of networks and losses.

Each loss is scaled by 1 / (replicas * parts) in one place, because `Optimizer.apply`
sums gradients over replicas and a step those of its parts: means are over the global
batch. What is no mean of the parts, such as the share of hole, is taken of the whole
batch beforehand; spectral norms take one power iteration a step, before the first part.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from tf_edgeconnect.metrics.edges import EdgeMetrics
from tf_edgeconnect.stages import AdversarialKind, HoleEdges
from tf_edgeconnect.trainers.callbacks import KeepRateRatio
from tf_edgeconnect.trainers.keras_file import KerasFile
from tf_edgeconnect.trainers.pictures import (
    held_out_metrics,
    make_pictures,
    measure,
)
from tf_edgeconnect.trainers.steps import (
    Averages,
    LossScale,
    refine_spectral_norms,
    same_on_all_replicas,
    sum_over_parts,
    with_batch_figures,
)

ADAM = dict(beta_1=0.0, beta_2=0.9, epsilon=1e-8)


class AdversarialTrainer(KerasFile):
    """Base of the stage trainers: generators against discriminators.

    Batches are dicts of float32 tensors `image`, `gray`, `edge` and `mask`, maybe
    `known_edge` (see `data/pipeline.py`); other keys are ignored.

    Args:
        networks: all networks of the stage by name, including frozen ones; None: not
            used.
        generators: names of those that the generator optimizer trains.
        losses: `EdgeLosses` and `InpaintLosses` by the name of the discriminator that
            they use.
        edge_threshold: see `EdgeTrainer`.
        ema: decay of the moving average of the generators' weights, in [0, 1); 0: none.
        hole_edges: see `InpaintTrainer`.
        options: the subclass's further arguments, to be saved with it.
        name: name of the trainer, prefix of what it logs.
    """

    def __init__(
        self,
        networks: dict[str, keras.Model | None],
        generators: tuple[str, ...],
        losses: dict[str, Any],
        *,
        edge_threshold: float,
        ema: float,
        hole_edges: Mapping[HoleEdges, float] | None = None,
        options: dict[str, Any],
        name: str,
    ):
        # Whatever the networks compute in, batches and losses are float32.
        super().__init__(name=name, dtype="float32")
        present = {name: net for name, net in networks.items() if net is not None}
        self.networks, self.losses_of = present, losses
        kinds = {it.adversarial for it in losses.values() if it.need_discriminator}
        if len(kinds) > 1:
            raise ValueError(
                f"`adversarial` must be the same in all losses, got {sorted(kinds)}"
            )
        self.adversarial: AdversarialKind = next(iter(kinds), "nonsaturating")
        for discriminator, each in losses.items():
            if each.need_discriminator and discriminator not in present:
                raise ValueError(
                    f"a loss with a weight needs an {discriminator}; to train "
                    "without it, set that weight to 0"
                )
        kind: HoleEdges = "predicted" if "edge_generator" in present else "canny"
        self.hole_edges = dict(hole_edges or {kind: 1.0})
        self._options = {"edge_threshold": edge_threshold, "ema": ema, **options}
        self._learners = [name for name in (*generators, *losses) if name in present]
        for frozen in set(present) - set(self._learners):
            present[frozen].trainable = False
        self.generator_variables = _trainable(present, generators)
        self.discriminator_variables = _trainable(present, losses)
        self.averages = Averages(self.generator_variables, ema)
        self.loss_names = tuple(name for it in losses.values() for name in it.names)
        norms = [f"{name}/g_gradient_norm"]
        if self.discriminator_variables:
            norms.append(f"{name}/d_gradient_norm")
        # What must stay finite; running means since the last `reset_metrics`.
        self.watched = {
            key: keras.metrics.Mean(name=key) for key in (*self.loss_names, *norms)
        }
        self.train_metrics = []
        if "edge_generator" in generators:
            edges = EdgeMetrics(edge_threshold, prefix="edge/", name="train_edges")
            self.train_metrics.append(edges)
        self.test_metrics = held_out_metrics(present, edge_threshold)
        self.test_loss = keras.metrics.Mean(name="loss")
        self.built = True

    def compile(
        self,
        generator_optimizer: keras.optimizers.Optimizer | None = None,
        discriminator_optimizer: keras.optimizers.Optimizer | None = None,
        *,
        accumulate: int = 1,
        **kwargs: Any,
    ) -> None:
        """Sets the two optimizers; by default the published ones (Adam, 1e-4 and 1e-5).

        Networks that compute in float16 get a loss scale for each optimizer.

        Args:
            generator_optimizer: for the generators' weights.
            discriminator_optimizer: for the discriminators' weights.
            accumulate: parts that a replica's batch is split into; their gradients are
                summed, which saves memory. It has to divide the batch.
            **kwargs: `run_eagerly`, and `jit_compile` and `steps_per_execution`, which
                work on one replica only.

        Raises:
            ValueError: an argument is out of its range.
        """
        if accumulate < 1:
            raise ValueError(f"`accumulate` must be 1 or more, got {accumulate}")
        self.accumulate = accumulate
        replicas = self.distribute_strategy.num_replicas_in_sync
        steps = kwargs.get("steps_per_execution", 1)
        jit_compile = kwargs.pop("jit_compile", False)
        if replicas > 1 and (jit_compile or steps > 1):
            raise ValueError(
                "`jit_compile` and `steps_per_execution` above 1 need a single "
                f"replica, but this strategy has {replicas}"
            )
        adam, scaled = keras.optimizers.Adam, keras.optimizers.LossScaleOptimizer
        optimizers = [
            generator_optimizer or adam(1e-4, **ADAM),
            discriminator_optimizer or adam(1e-5, **ADAM),
        ]
        if any(net.compute_dtype == "float16" for net in self.networks.values()):
            optimizers = [x if isinstance(x, scaled) else scaled(x) for x in optimizers]
        super().compile(
            optimizer=optimizers[0],
            loss=None,
            jit_compile=jit_compile,
            auto_scale_loss=False,
            **kwargs,
        )
        self.discriminator_optimizer = optimizers[1]
        with self.distribute_strategy.scope():
            for optimizer, variables in self._pairs():
                optimizer.build(variables)

    def fit(
        self,
        *args: Any,
        callbacks: Sequence[keras.callbacks.Callback] | None = None,
        **kwargs: Any,
    ) -> keras.callbacks.History:
        """Trains as `keras.Model.fit` does.

        A callback that changes the generators' learning rate changes the
        discriminators' with it.

        Raises:
            ValueError: under MultiWorkerMirroredStrategy.
        """
        if isinstance(
            self.distribute_strategy, tf.distribute.MultiWorkerMirroredStrategy
        ):
            raise ValueError(
                "Keras' `fit` fails under MultiWorkerMirroredStrategy: use "
                "`tf-edgeconnect train --strategy multi-worker`, or a loop of your own "
                "over `strategy.run(trainer.train_step, args=(batch,))`"
            )
        return super().fit(
            *args, callbacks=[*(callbacks or ()), KeepRateRatio()], **kwargs
        )

    def call(self, batch: dict, training: bool = False) -> dict:
        """Predicts the edges of a batch, fills its holes, or both.

        Returns:
            `predicted_edge` of an edge generator and `composite_edge`, `(B, H, W, 1)`;
            of an inpaint generator `predicted_image` and `inpainted`, `(B, H, W, 3)`.
            All are in [0, 1]; predictions are raw, the others keep what is known.
        """
        return make_pictures(self.networks, self.hole_edges, batch, training)

    def sample(self, batch: dict) -> dict:
        """Makes the pictures of a sample sheet, with predicted edges if possible."""
        kinds = self.hole_edges
        if "edge_generator" in self.networks:
            kinds = {"predicted": 1.0}
        return make_pictures(self.networks, kinds, batch, training=False)

    def compute_losses(self, batch: dict, training: bool) -> tuple[dict, dict, dict]:
        """Runs the networks and computes the weighted losses.

        Returns:
            Weighted losses of the generators by name, of the discriminators by name
            (together `loss_names`), and the pictures that `call` returns.
        """
        pictures = self(batch, training=training)
        generators: dict[str, tf.Tensor] = {}
        discriminators: dict[str, tf.Tensor] = {}
        for name, losses in self.losses_of.items():
            found = losses(self.networks.get(name), batch, pictures, training)
            generators |= found[0]
            discriminators |= found[1]
        return generators, discriminators, pictures

    def train_step(self, batch: dict) -> dict:
        """Trains on a batch and returns the running means of the logged values."""
        batch = with_batch_figures(
            batch, patches=any(it.weighs_patches for it in self.losses_of.values())
        )
        if self.accumulate == 1:
            losses, gradients = self._differentiate(batch, training=True)
        else:
            losses, gradients = self._accumulate(batch)
        scales = [LossScale(optimizer) for optimizer, _ in self._pairs()]
        self._watch(losses, gradients, scales)
        for (optimizer, variables), slopes in zip(
            self._pairs(), gradients, strict=True
        ):
            optimizer.apply(same_on_all_replicas(optimizer, slopes), variables)
        self.averages.update(self.optimizer.iterations)
        results = self.train_results()
        of_generators = [it for it in self.loss_names if not it.endswith("d_loss")]
        return results | {"loss": sum(results[name] for name in of_generators)}

    def _pairs(self):
        """Each optimizer with the variables that it trains."""
        pairs = [(self.optimizer, self.generator_variables)]
        if self.discriminator_variables:
            pairs.append((self.discriminator_optimizer, self.discriminator_variables))
        return pairs

    def _differentiate(self, batch, training):
        """Gives the losses in the order of their names, and both (scaled) gradients."""
        with tf.GradientTape(persistent=True) as tape:
            *losses, pictures = self.compute_losses(batch, training)
            share = 1 / (self.accumulate * _replicas())
            totals = [
                optimizer.scale_loss(share * sum(each.values()))
                for (optimizer, _), each in zip(self._pairs(), losses, strict=False)
            ]
        gradients = [
            tape.gradient(total, variables, unconnected_gradients="zero")
            for total, (_, variables) in zip(totals, self._pairs(), strict=True)
        ]
        del tape
        measure(self.train_metrics, batch, pictures)
        named = losses[0] | losses[1]
        return tf.stack([named[name] for name in self.loss_names]), gradients

    def _accumulate(self, batch):
        """Does what `_differentiate` does, part by part to save memory."""
        for name in self._learners:
            refine_spectral_norms(self.networks[name])
        zeros = (
            tf.zeros(len(self.loss_names)),
            [[tf.zeros(v.shape) for v in variables] for _, variables in self._pairs()],
        )
        losses, gradients = sum_over_parts(
            lambda part: self._differentiate(part, training=False),
            batch,
            self.accumulate,
            zeros,
        )
        return losses / self.accumulate, gradients

    def test_step(self, batch: dict) -> dict:
        """Evaluates a batch; `loss` is that of the generators."""
        losses, _, pictures = self.compute_losses(batch, training=False)
        self.test_loss.update_state(sum(losses.values()))
        measure(self.test_metrics, batch, pictures)
        return self.test_results() | {"loss": self.test_loss.result()}

    @property
    def metrics(self) -> list:
        """All metrics that Keras is to reset between epochs."""
        of_steps = (*self.watched.values(), *self.train_metrics)
        return [*of_steps, *self.test_metrics, self.test_loss]

    def train_results(self) -> dict:
        """Returns the logged training metrics, as means since the last reset."""
        results = _results([*self.watched.values(), *self.train_metrics])
        for word, (optimizer, _) in zip("gd", self._pairs(), strict=False):
            results |= LossScale(optimizer).results(f"{self.name}/{word}_loss_scale")
        return results

    def test_results(self) -> dict:
        """Returns the metrics over all batches of `test_step` since the last reset."""
        return _results(self.test_metrics)

    def _watch(self, losses, gradients, scales):
        # A replica's gradients are of its loss / replicas: undo that for the log.
        norms = [
            scale.unscale(_replicas() * tf.linalg.global_norm(slopes))
            for slopes, scale in zip(gradients, scales, strict=True)
        ]
        values = [*((loss, None) for loss in tf.unstack(losses)), *norms]
        for metric, (value, weight) in zip(self.watched.values(), values, strict=True):
            metric.update_state(value, weight)


def _trainable(networks, names):
    found = (networks[name] for name in names if name in networks)
    return [v for network in found for v in network.trainable_variables]


def _replicas():
    return tf.distribute.get_strategy().num_replicas_in_sync


def _results(metrics):
    results = {}
    for metric in metrics:
        value = metric.result()
        results.update(value if isinstance(value, dict) else {metric.name: value})
    return results
