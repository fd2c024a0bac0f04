"""How Keras saves a trainer: its networks, options, optimizers and averages."""

import keras


class KerasFile(keras.Model):
    """A trainer that Keras saves as a `.keras` file and loads again.

    A subclass takes its networks and options as arguments and keeps them in `networks`
    and `_options`, its two optimizers as Keras does, and moving averages in `averages`.
    """

    def get_config(self) -> dict:
        """Returns what `load_model` needs to recreate the trainer."""
        networks, serialize = self.networks, keras.saving.serialize_keras_object
        known = {
            name: getattr(net, "architecture", {}) for name, net in networks.items()
        }
        return {
            "networks": serialize(dict(networks)),
            "architectures": known,
            "options": serialize(dict(self._options)),
        }

    @classmethod
    def from_config(cls, config: dict) -> "KerasFile":
        """Creates a trainer from `get_config`."""
        config = keras.saving.deserialize_keras_object(config)
        for name, network in config["networks"].items():
            network.architecture = config["architectures"][name]
        return cls(**config["networks"], **config["options"])

    def get_compile_config(self) -> dict | None:
        """Returns the arguments of `compile`."""
        if not self.compiled:
            return None
        serialize = keras.saving.serialize_keras_object
        return dict(
            generator_optimizer=serialize(self.optimizer),
            discriminator_optimizer=serialize(self.discriminator_optimizer),
            accumulate=self.accumulate,
            jit_compile=self.jit_compile,
            run_eagerly=self.run_eagerly,
            steps_per_execution=self.steps_per_execution,
        )

    def compile_from_config(self, config: dict) -> None:
        """Compiles with the arguments of `get_compile_config`."""
        self.compile(**keras.saving.deserialize_keras_object(config))

    def save_own_variables(self, store: dict) -> None:
        """Saves the averages; networks and optimizers are saved as such."""
        for index, average in enumerate(self.averages.variables):
            store[str(index)] = average

    def load_own_variables(self, store: dict) -> None:
        """Loads the averages."""
        for index, average in enumerate(self.averages.variables):
            average.assign(store[str(index)])
