"""The house: what may import what, and what runs without TensorFlow."""

import ast
import functools
import graphlib
import os
import subprocess
import sys
from collections.abc import Iterator, Set
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "tf_edgeconnect"

# A module imports from the rows above its own; from its own row only in its folder.
ROWS = [
    {"atomic", "errors", "stages", "version"},
    {"masking", "presets"},
    {"config", "edges", "photos"},
    {"data", "layers"},
    {"models"},
    {"losses", "metrics", "figures"},
    {"trainers", "conversion"},
    {"inference"},
    {"export", "evaluation", "doctor", "batch", "web"},
    {"cli"},
    {"registration"},
    {"__init__", "__main__"},
]
SEE_A_CONFIG = {"config", "doctor", "cli", "__init__"}
BACKEND_FREE = {"layers", "models", "losses"}


@functools.cache
def modules() -> list[tuple[str, str, ast.Module]]:
    """Lists (dotted name below the package, top-level name, syntax tree)."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found.append((".".join(parts), parts[0], tree))
    return found


def imported(tree: ast.AST) -> Iterator[str]:
    """Yields the dotted names that a tree imports, at the top or inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def own_parts(tree: ast.AST) -> set[str]:
    """Top-level names of this package that a tree imports."""
    names = [name.split(".") for name in imported(tree)]
    return {name[1] for name in names if name[0] == PACKAGE.name and len(name) > 1}


def row(part: str) -> int:
    found = [index for index, parts in enumerate(ROWS) if part in parts]
    assert found, f"{part} has no row in tests/test_architecture.py"
    return found[0]


def test_modules_import_only_from_rows_above():
    wrong = [
        f"{name} imports {part}"
        for name, home, tree in modules()
        for part in own_parts(tree)
        if part != home and row(part) >= row(home)
    ]
    assert wrong == []


def _modules_of(tree: ast.AST, known: Set[str]) -> set[str]:
    """Modules that a tree imports: `from package import module` is of the module."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            base, *names = imported(node)
            found |= known & set(names) or known & {base}
    return found


def test_no_module_is_part_of_an_import_circle():
    trees = {
        f"{PACKAGE.name}.{name}".removesuffix(".__init__"): tree
        for name, _, tree in modules()
    }
    graph = {name: _modules_of(tree, trees.keys()) for name, tree in trees.items()}
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError, which names them


def test_imports_are_absolute_and_name_the_module():
    # `import tf_edgeconnect` would reach every row, and a relative import hides its.
    wrong = [
        f"{name} imports {target}"
        for name, _, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for target in list(imported(node))[:1]
        if target.startswith(".") or target == PACKAGE.name
    ]
    assert wrong == []


def test_only_the_wiring_sees_a_config():
    wrong = [
        name
        for name, home, tree in modules()
        if "config" in own_parts(tree)
        and home not in SEE_A_CONFIG
        and not name.startswith("trainers.run")
        and name != "conversion.config"
    ]
    assert wrong == []


def test_inference_and_what_follows_never_import_trainers():
    wrong = [
        name
        for name, home, tree in modules()
        if row("inference") <= row(home) < row("cli") and "trainers" in own_parts(tree)
    ]
    assert wrong == []


def test_layers_models_and_losses_name_no_backend():
    wrong = [
        f"{name} imports {target}"
        for name, home, tree in modules()
        if home in BACKEND_FREE
        for target in imported(tree)
        if target.split(".")[0] in ("tensorflow", "jax", "torch")
    ]
    assert wrong == []


def test_opencv_is_imported_only_where_it_is_used():
    wrong = [
        name
        for name, _, tree in modules()
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        and any(target.split(".")[0] == "cv2" for target in imported(node))
    ]
    assert wrong == []


WITHOUT_TENSORFLOW = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "tensorflow":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
import importlib

for name in sys.argv[1:]:
    importlib.import_module(name)
import keras
from tf_edgeconnect.models.discriminators import patch_discriminator
from tf_edgeconnect.models.generators import edge_generator, inpaint_generator

assert keras.backend.backend() == "jax", keras.backend.backend()
edges = edge_generator(filters=4, residual_blocks=1)
fill = inpaint_generator(filters=4, residual_blocks=1)
judge = patch_discriminator(3, filters=4)
assert edges(keras.KerasTensor((1, 24, 24, 3))).shape == (1, 24, 24, 1)
assert fill(keras.KerasTensor((1, 24, 24, 4))).shape == (1, 24, 24, 3)
logits, maps = judge(keras.KerasTensor((1, 24, 24, 3)))
assert logits.shape == (1, 1, 1, 1) and len(maps) == 5
assert "tensorflow" not in sys.modules
"""


def test_layers_models_and_losses_build_networks_without_tensorflow():
    # Keras has no backend without a package behind it: its NumPy one imports JAX too.
    pytest.importorskip("jax", reason="needs another backend: pip install jax")
    names = [
        f"tf_edgeconnect.{name.removesuffix('.__init__')}"
        for name, home, _ in modules()
        if home in BACKEND_FREE
    ]
    assert names
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TENSORFLOW, *names],
        cwd=ROOT,
        env={
            **os.environ,
            "KERAS_BACKEND": "jax",
            # Compiling each initializer well takes longer than all the rest.
            "XLA_FLAGS": "--xla_backend_optimization_level=0",
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import a.b, c", {"a.b", "c"}),
        ("def f():\n  from a.b import c", {"a.b", "a.b.c"}),
        ("from . import d", {".", "..d"}),
    ],
)
def test_imports_are_found_wherever_they_are(source, names):
    assert set(imported(ast.parse(source))) == names
