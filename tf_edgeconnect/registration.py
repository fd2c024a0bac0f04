"""Lets `keras.models.load_model` find this package's classes.

Keras looks a saved class up by its registered name and imports no other package for it.
Importing ours at once would import TensorFlow with `import tf_edgeconnect`; so the
classes are registered when Keras itself has been imported, be it before or later.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

# The modules whose classes may be in a saved model.
MODULES = (
    "tf_edgeconnect.layers.hole_fill",
    "tf_edgeconnect.layers.instance_norm",
    "tf_edgeconnect.layers.padding",
    "tf_edgeconnect.layers.spectral_norm",
    "tf_edgeconnect.metrics.edges",
    "tf_edgeconnect.metrics.image",
)
ON_TENSORFLOW = (
    "tf_edgeconnect.trainers.edge",
    "tf_edgeconnect.trainers.inpaint",
    "tf_edgeconnect.trainers.joint",
)


def register_with_keras() -> None:
    """Registers the classes now if Keras is there, else as soon as it is imported."""
    if sys.modules.get("keras"):  # None: barred
        _register()
    else:
        sys.meta_path.insert(0, _AfterKeras())


def _register() -> None:
    on_tensorflow = sys.modules["keras"].config.backend() == "tensorflow"
    for name in (*MODULES, *(ON_TENSORFLOW if on_tensorflow else ())):
        import_module(name)


class _AfterKeras(MetaPathFinder):
    """Finds `keras` as usual, and registers the classes once it has been imported."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path) if fullname == "keras" else None
        if spec is not None and spec.loader is not None:
            run = spec.loader.exec_module

            def run_and_register(module: ModuleType) -> None:
                run(module)
                _register()

            spec.loader.exec_module = run_and_register  # type: ignore[method-assign]
        return spec
