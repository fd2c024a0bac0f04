"""Lets `keras.models.load_model` find this package's classes.

Keras looks a saved class up by its registered name and imports no other package for it.
Importing ours at once would import TensorFlow with `import tf_edgeconnect`, and in a
circle where one of them is what imports Keras. So when Keras is there, be it before or
later, stand-ins are registered, which import a class when it is needed.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

PACKAGE = "tf_edgeconnect"
# The modules whose classes may be in a saved model.
CLASSES = {
    "layers": (
        "InstanceNormalization",
        "PushPullFill",
        "ReflectionPadding2D",
        "SpectralConv2D",
        "SpectralConv2DTranspose",
    ),
    "metrics.edges": ("EdgeMetrics",),
    "metrics.image": ("L1", "Psnr"),
    "trainers.edge": ("EdgeLosses", "EdgeTrainer"),
    "trainers.inpaint": ("InpaintTrainer", "JointTrainer"),
    "trainers.inpaint_losses": ("InpaintLosses",),
}


def register_with_keras() -> None:
    """Registers the classes now if Keras is there, else as soon as it is imported."""
    if sys.modules.get("keras"):  # None: barred
        _register()
    else:
        sys.meta_path.insert(0, _AfterKeras())


def _register() -> None:
    registered = sys.modules["keras"].saving.get_custom_objects()
    for module, names in CLASSES.items():
        for name in names:
            # A class that is imported registers itself in the stand-in's place.
            registered.setdefault(f"{PACKAGE}>{name}", _StandIn(module, name))


class _StandIn:
    """Stands for a class that Keras is to make from its config."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name

    def from_config(self, config: dict[str, Any]) -> Any:
        """Imports the class and makes an object of it."""
        module = import_module(f"{PACKAGE}.{self.module}")
        return getattr(module, self.name).from_config(config)


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
