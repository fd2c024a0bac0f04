"""Runs the benchmarks one after the other into benchmarks/results/<processor>.md.

    python benchmarks/write_results.py [--photos FOLDER] [--model small] [--rounds N]

`make bench` does this, in some 20 minutes on two free cores; `ARGS="--rounds 10"` asks
for more rounds of each. What a benchmark prints is kept as it is, with its command and
the time it took. Photos come from `../shared` where that is; without a folder of
photos the data pipeline and Canny are left out, and the page says so.
"""

import argparse
import os
import platform
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

from tf_edgeconnect import presets

HERE = Path(__file__).parent
PHOTOS = HERE.parent.parent / "shared" / "data" / "photos" / "val"
# What takes `--rounds`.
ROUNDS = {
    "inference.py",
    "startup.py",
    "training_step.py",
    "data_pipeline.py",
}


def processor() -> str:
    """The name of the processor, and what of matrix units and cores it has."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or platform.machine()
    found = re.search(r"model name\s*: (.*)", text)
    name = found[1] if found else platform.machine()
    name = re.sub(r"\((R|TM)\)|CPU|Processor|@.*", "", name)
    units = [
        unit
        for unit, flag in (
            ("AMX", "amx_bf16"),
            ("AVX-512", "avx512f"),
            ("bfloat16", "avx512_bf16"),
        )
        if re.search(rf"\b{flag}\b", text)
    ]
    cores = len(re.findall(r"^processor\s*:", text, re.MULTILINE))
    return f"{' '.join([*name.split(), *units])}, {cores} cores"


def commands(options: argparse.Namespace) -> list[tuple[str, list[str]]]:
    """Titles, and scripts with their arguments, in the order of the page."""
    model = options.model
    photos = ["--photos", options.photos] if options.photos else []
    cores = str(os.cpu_count())
    found = [
        ("Filling: all systems", ["inference.py", "--rounds", "3"]),
        ("Filling: sizes and batches, one thread", ["inference.py", "--grid"]),
        (
            f"Filling: sizes and batches, {cores} threads",
            ["inference.py", "--grid", "--threads", cores, "--largest", "2200"],
        ),
        ("What each precision loses", ["precision.py", "--model", model, *photos]),
        ("Start-up of an export", ["startup.py"]),
    ]
    for stage in ("edge", "inpaint", "joint"):
        step = ["training_step.py", "--stage", stage, "--batch", "1", "--rounds", "2"]
        if stage != "inpaint":  # one stage is enough for the slow rows
            step += ["--only", "PyTorch eager", "PyTorch bfloat16 autocast"]
            step += ["float32", "mixed_bfloat16"]
        found.append((f"Training step, stage {stage}", step))
    if options.photos:
        found.append(("Canny against scikit-image", ["canny.py", options.photos]))
        pipeline = ["data_pipeline.py", options.photos, "--count"]
        found.append(("Training examples, one thread", [*pipeline, "256"]))
        pipeline += ["1200", "--threads", cores]  # by the clock, which fills queues too
        found.append((f"Training examples, {cores} threads", pipeline))
    found.append(("Cost model, computed", ["cost_model.py"]))
    if options.rounds:
        for _, command in found:
            if command[0] in ROUNDS:
                command += ["--rounds", str(options.rounds)]
    return found


def main() -> None:
    """Writes the page, each table as soon as it is there."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    there = str(PHOTOS) if PHOTOS.is_dir() else None
    parser.add_argument("--photos", default=there, help="folder of photos")
    parser.add_argument("--model", default=presets.DEFAULT, help="preset or run")
    parser.add_argument("--rounds", type=int, help="of each; default: its own")
    parser.add_argument("--only", nargs="*", help="scripts, such as canny.py")
    options = parser.parse_args()
    name = processor()
    page = HERE / "results" / f"{re.sub('[^a-z0-9]+', '-', name.lower())}.md"
    page.parent.mkdir(exist_ok=True)
    with page.open("w") as file:
        file.write(f"# {name}\n\nPrinted by `make bench`. Full-size networks have ")
        file.write("random weights, which cost the same as trained ones.\n")
        if not options.photos:
            file.write("\nCanny and examples are left out for want of `--photos`.\n")
        for title, command in commands(options):
            if options.only and command[0] not in options.only:
                continue
            shown = [Path(word).name if "/" in word else word for word in command]
            print(f"benchmarks/{' '.join(shown)}", flush=True)
            start = time.perf_counter()
            done = subprocess.run(
                [sys.executable, str(HERE / command[0]), *command[1:]],
                stdout=subprocess.PIPE,
                text=True,
            )
            took = time.perf_counter() - start
            file.write(f"\n## {title}\n\n`python benchmarks/{shlex.join(shown)}`, ")
            file.write(f"{took:.0f} s\n\n{done.stdout.strip()}\n")
            if done.returncode:
                file.write(f"\nEnded with exit code {done.returncode}.\n")
            file.flush()
    print(f"wrote {page}")


if __name__ == "__main__":
    main()
