"""Filling photos: SavedModel and Keras against PyTorch, ONNX Runtime and OpenVINO.

    python benchmarks/inference.py [--size 256] [--batch 1] [--threads 1] [--rounds 5]
    python benchmarks/inference.py --grid [--largest 1600] [--threads 1] [--rounds 2]

Full-size networks with random weights, which cost the same as trained ones. Ours take
bytes and find Canny edges, too; the peers are given edges and float pictures. Peers are
of the same architecture, written in `torch_networks.py`, spectral norm folded; what is
not installed says so in its row (benchmarks/requirements.txt). `ready` is the time from
an empty process to a callable, making and exporting the networks included.

`--grid` measures some systems at several sizes and batches, each system in one process.
A call that takes more than five seconds is measured once, others as the best of the
rounds after a first one; calls of more than `--largest` GFLOP are left out. On one
thread the processor's time counts, else the clock's.
"""

import argparse
import functools
import itertools
import os
import tempfile
import time
from pathlib import Path

import numpy as np
from turns import answer, ask, asked, be_child, by_turns


def pictures(size: int, batch: int) -> tuple[np.ndarray, np.ndarray]:
    """Photos uint8 `(B, H, W, 3)` and masks uint8 `(B, H, W, 1)`, a quarter hole."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (batch, size // 8, size // 8, 3), np.uint8)
    image = coarse.repeat(8, 1).repeat(8, 2)
    mask = np.zeros((batch, size, size, 1), np.uint8)
    middle = slice(size // 4, 3 * size // 4)
    mask[:, middle, middle] = 255
    return image, mask


@functools.cache
def exported(precision: str):
    """A SavedModel of full-size networks, written and loaded."""
    import tensorflow as tf

    import tf_edgeconnect as ec
    from tf_edgeconnect.export.networks import SAVED_MODEL, exported_graph
    from tf_edgeconnect.export.saved_model import save_graph
    from tf_edgeconnect.export.signatures import build_signatures
    from tf_edgeconnect.inference.backends.keras import KerasBackend

    inpainter = ec.Inpainter(KerasBackend(ec.edge_generator(), ec.inpaint_generator()))
    graph = exported_graph(inpainter, SAVED_MODEL["cpu"], precision)
    with tempfile.TemporaryDirectory() as folder:
        save_graph(graph, build_signatures(graph, 10**8, one_by_one=True), folder)
        return tf.saved_model.load(folder)


def saved_model(size: int, batch: int, *, precision: str):
    """An export, its serving signature called as TF Serving does."""
    import tensorflow as tf

    model = exported(precision)
    image, mask = (tf.constant(array) for array in pictures(size, batch))
    signature = model.signatures["serving_default"]

    def run():
        return model, signature(image=image, mask=mask)["inpainted"].numpy()

    return run


def keras_predict(size: int, batch: int):
    """The package's own `Inpainter`, photo by photo."""
    import tf_edgeconnect as ec
    from tf_edgeconnect.inference.backends.keras import KerasBackend

    inpainter = ec.Inpainter(KerasBackend(ec.edge_generator(), ec.inpaint_generator()))
    image, mask = pictures(size, batch)
    return lambda: inpainter(image, mask[..., 0], large="full")


def torch_inputs(size: int, batch: int):
    """Float pictures, edges and masks, `(B, C, H, W)`."""
    import torch

    image, mask = pictures(size, batch)
    image = torch.from_numpy(image.transpose(0, 3, 1, 2).copy()).float() / 255
    mask = torch.from_numpy(mask.transpose(0, 3, 1, 2).copy()).float() / 255
    return image, (torch.rand_like(mask) > 0.9).float(), mask


def _torch_pair(size: int, batch: int):
    from torch_networks import Pair

    return Pair(spectral=False).eval(), torch_inputs(size, batch)


def torch_eager(size: int, batch: int, *, compiled: bool = False, short: bool = False):
    """PyTorch, plain or compiled, in float32 or under bfloat16 autocast."""
    import torch

    pair, inputs = _torch_pair(size, batch)
    if compiled:
        pair = torch.compile(pair)

    def run():
        autocast = torch.autocast("cpu", torch.bfloat16, enabled=short)
        with torch.inference_mode(), autocast:
            return pair(*inputs)

    return run


def _onnx_file(folder: str, size: int, batch: int):
    import torch

    pair, inputs = _torch_pair(size, batch)
    path = str(Path(folder, "pair.onnx"))
    names = ["image", "edge", "mask"]
    torch.onnx.export(
        pair, inputs, path, input_names=names, dynamo=False, opset_version=17
    )
    feed = {name: x.numpy() for name, x in zip(names, inputs, strict=True)}
    return path, feed


def onnx_runtime(size: int, batch: int):
    """ONNX Runtime on the exported PyTorch pair."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS", 0))
    with tempfile.TemporaryDirectory() as folder:
        path, feed = _onnx_file(folder, size, batch)
        session = onnxruntime.InferenceSession(path, options)
    return lambda: session.run(None, feed)


def openvino(size: int, batch: int, *, precision: str):
    """OpenVINO on the same file."""
    import openvino

    settings = {"INFERENCE_PRECISION_HINT": precision}
    if "OMP_NUM_THREADS" in os.environ:
        settings["INFERENCE_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"]
    with tempfile.TemporaryDirectory() as folder:
        path, feed = _onnx_file(folder, size, batch)
        model = openvino.Core().compile_model(path, "CPU", settings)
    request = model.create_infer_request()
    return lambda: request.infer(feed)


PEER = "PyTorch eager"
SYSTEMS = {
    PEER: torch_eager,
    "PyTorch compiled": functools.partial(torch_eager, compiled=True),
    "PyTorch bfloat16 autocast": functools.partial(torch_eager, short=True),
    "PyTorch compiled, bfloat16": functools.partial(
        torch_eager, compiled=True, short=True
    ),
    "ONNX Runtime": onnx_runtime,
    "OpenVINO float32": functools.partial(openvino, precision="f32"),
    "OpenVINO bfloat16": functools.partial(openvino, precision="bf16"),
    "Inpainter (Keras)": keras_predict,
    "SavedModel float32": functools.partial(saved_model, precision="float32"),
    "SavedModel bfloat16": functools.partial(saved_model, precision="bfloat16"),
}
TARGETS = {"SavedModel float32": "1.0", "SavedModel bfloat16": "2.2"}


GRID = ("PyTorch eager", "OpenVINO bfloat16", "SavedModel float32")
GRID += ("SavedModel bfloat16",)
SIZES, BATCHES = (128, 256, 512), (1, 4, 8)
GFLOP_256 = 193.5
_LONG = 5.0  # seconds


def cells(largest: float) -> list[tuple[int, int]]:
    """Sizes and batches whose call takes at most `largest` GFLOP."""
    return [
        (size, batch)
        for size, batch in itertools.product(SIZES, BATCHES)
        if GFLOP_256 * (size / 256) ** 2 * batch <= largest
    ]


def be_grid_child(name: str, threads: int, rounds: int, largest: float) -> None:
    """Answers with the seconds of each cell, or why there are none."""
    clock = time.process_time if threads == 1 else time.perf_counter
    seconds = {}
    try:
        for size, batch in cells(largest):
            run = SYSTEMS[name](size, batch)
            taken = []
            while len(taken) <= rounds and (not taken or taken[0] < _LONG):
                start = clock()
                run()
                taken.append(clock() - start)
            seconds[f"{size}x{batch}"] = min(taken[1:] or taken)
    except ImportError as error:
        seconds["absent"] = f"not installed: {error.name or error}"
    answer(seconds)


def print_grid(threads: int, largest: float) -> None:
    """Prints a row for each size and batch: ms a call and photos a second."""
    from floors import floors_of  # imports Keras, which a peer's process must not

    found = {name: ask({"name": name}, threads) for name in GRID}
    for name, each in found.items():
        if "absent" in each:
            print(f"{name}: {each['absent']}\n")
    floors = floors_of(threads)
    print(f"\n| size | batch | {' | '.join(GRID)} | floor, float32 | floor, bfloat16 |")
    print("|---" * (4 + len(GRID)) + "|")
    for size, batch in cells(largest):
        row = []
        for name in GRID:
            seconds = found[name].get(f"{size}x{batch}")
            row.append(
                f"{1000 * seconds:.0f} ({batch / seconds:.2f})" if seconds else ""
            )
        row += [f"{max(least(size, batch)):.0f}" for least in floors.values()]
        print(f"| {size} | {batch} | {' | '.join(row)} |", flush=True)


def print_systems(options: argparse.Namespace) -> None:
    """Prints a row for each system, at one size and batch."""
    from floors import floors_of

    names = [name for name in SYSTEMS if name in (options.only or SYSTEMS)]
    found = by_turns(names, options.rounds, options.threads)
    print(f"{options.size}x{options.size}, batch {options.batch}")
    print(
        f"| system | ms | photos/s | times {PEER} | target | ready s | first answer s "
        "| peak GiB |"
    )
    print("|---" * 8 + "|")
    peer = found.get(PEER)
    for name, each in found.items():
        if each.absent:
            print(f"| {name} | {each.absent} |" + " |" * 6)
            continue
        times = "" if not peer or peer.absent else f"{peer.seconds / each.seconds:.2f}"
        print(
            f"| {name} | {1000 * each.seconds:.0f} "
            f"| {options.batch / each.seconds:.2f} | {times} "
            f"| {TARGETS.get(name, '')} | {each.load:.1f} | {each.first:.1f} "
            f"| {each.peak / 2**30:.2f} |"
        )
    print(flush=True)
    for dtype, least in floors_of(options.threads).items():
        work, moved = least(options.size, options.batch)
        print(f"floor, {dtype}: operations {work:.0f} ms, copies {moved:.0f} ms")


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=256, help="side in pixels")
    parser.add_argument("--batch", type=int, default=1, help="photos a call")
    parser.add_argument("--threads", type=int, default=1, help="0: the library's own")
    parser.add_argument("--rounds", type=int, help="default: 5, or 2 with --grid")
    parser.add_argument("--only", nargs="*", choices=SYSTEMS, help="some rows")
    parser.add_argument("--grid", action="store_true", help="several sizes and batches")
    parser.add_argument("--largest", type=float, default=1600, help="GFLOP a call")
    options = parser.parse_args()
    options.rounds = options.rounds or (2 if options.grid else 5)
    if question := asked():
        name = question["name"]
        be_grid_child(name, options.threads, options.rounds, options.largest)
        return
    if be_child(SYSTEMS, options.size, options.batch):
        return
    counted = "processor" if options.threads == 1 else "clock"
    print(f"{options.threads or 'default'} threads, {counted} time")
    if options.grid:
        print_grid(options.threads, options.largest)
    else:
        print_systems(options)


if __name__ == "__main__":
    main()
