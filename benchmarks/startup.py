"""From an empty process to the first answer of an export, with and without a warm-up.

    python benchmarks/startup.py [--size 256] [--threads 1] [--rounds 2]

SavedModels of full-size networks with random weights, loaded in a process of their own;
the warm-up runs each signature once, as TF Serving does with the requests that `export`
writes. PyTorch loads the same networks from a file of its own. Clock time, best of the
rounds; `memory` is the peak of the process.
"""

import argparse
import tempfile
import time
from pathlib import Path

from inference import pictures
from turns import answer, ask, asked, peak_memory

STEPS = ("import", "load", "warm-up", "first answer", "second answer")


def write_exports(folder: Path) -> dict[str, tuple[str, bool]]:
    """Writes one file of each kind; returns row -> (its path, whether to warm up)."""
    import keras

    import tf_edgeconnect as ec
    from tf_edgeconnect.export.networks import SAVED_MODEL, exported_graph
    from tf_edgeconnect.export.saved_model import save_graph
    from tf_edgeconnect.export.signatures import build_signatures
    from tf_edgeconnect.inference.backends.keras import KerasBackend

    rows = {}
    inpainter = ec.Inpainter(KerasBackend(ec.edge_generator(), ec.inpaint_generator()))
    for precision in ("float32", "bfloat16"):
        graph = exported_graph(inpainter, SAVED_MODEL["cpu"], precision)
        path = str(folder / precision)
        save_graph(graph, build_signatures(graph, 10**8, one_by_one=True), path)
        rows[f"SavedModel {precision}"] = path, False
        rows[f"SavedModel {precision}, warm-up"] = path, True
    keras.backend.clear_session()
    try:
        import torch
        from torch_networks import Pair
    except ImportError:
        return rows
    torch.save(Pair(spectral=False).eval(), folder / "pair.pt")
    rows["PyTorch eager"] = str(folder / "pair.pt"), False
    return rows


def saved_model(path: str, size: int):
    """Yields after the import and the load, then gives what warms up and answers."""
    import tensorflow as tf

    yield
    signatures = tf.saved_model.load(path).signatures
    yield
    image, mask = (tf.constant(array) for array in pictures(size, 1))

    def warm_up() -> None:
        from tf_edgeconnect.export.version import example_requests

        for name, inputs in example_requests(size).items():
            signatures[name](**{key: tf.constant(x) for key, x in inputs.items()})

    def fill() -> None:
        signatures["serving_default"](image=image, mask=mask)["inpainted"].numpy()

    yield warm_up, fill


def torch_file(path: str, size: int):
    """The same of PyTorch, which has no warm-up."""
    import torch
    import torch_networks  # noqa: F401  (the classes in the file)
    from inference import torch_inputs

    yield
    pair = torch.load(path, weights_only=False)
    yield
    inputs = torch_inputs(size, 1)

    def fill() -> None:
        with torch.inference_mode():
            pair(*inputs)

    yield fill, fill


def be_child(path: str, size: int, *, warm: bool) -> None:
    """Answers with the seconds of each step and the peak of memory."""
    steps = (torch_file if path.endswith(".pt") else saved_model)(path, size)
    seconds = {}

    def timed(name: str, call):
        start = time.perf_counter()
        result = call()
        seconds[name] = time.perf_counter() - start
        return result

    timed("import", lambda: next(steps))
    timed("load", lambda: next(steps))
    warm_up, fill = next(steps)
    if warm:
        timed("warm-up", warm_up)
    timed("first answer", fill)
    timed("second answer", fill)
    answer(seconds | {"memory": peak_memory()})


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=256, help="side in pixels")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    if question := asked():
        be_child(question["path"], options.size, warm=question["warm"])
        return
    print(f"{options.size}x{options.size}, {options.threads} threads, clock time, s\n")
    print(f"| export | {' | '.join(STEPS)} | until the first answer | memory, GiB |")
    print("|---" * (len(STEPS) + 3) + "|")
    with tempfile.TemporaryDirectory() as folder:
        for name, (path, warm) in write_exports(Path(folder)).items():
            question = {"path": path, "warm": warm}
            runs = [ask(question, options.threads) for _ in range(options.rounds)]
            if absent := runs[0].get("absent"):
                raise SystemExit(f"{name} {absent}; TURNS_VERBOSE=1 shows its errors")
            best = {key: min(run[key] for run in runs) for key in runs[0]}
            cells = [f"{best[key]:.2f}" if key in best else "" for key in STEPS]
            until = sum(best[key] for key in STEPS[:-1] if key in best)
            print(
                f"| {name} | {' | '.join(cells)} | {until:.1f} "
                f"| {best['memory'] / 2**30:.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
