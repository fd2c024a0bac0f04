"""Runs the benchmarks one after the other into benchmarks/results/<processor>.md.

    python benchmarks/write_results.py [--photos FOLDER] [--model RUN] [--threads 1]

`make bench` does this. What a benchmark prints is kept as it is, with its command. The
data pipeline needs a folder of photos and TFLite a trained model; without them the page
says that they were left out.
"""

import argparse
import platform
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def processor() -> str:
    """The name of the processor, and what of matrix units and cores it has."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or platform.machine()
    found = re.search(r"model name\s*: (.*)", text)
    name = found[1] if found else platform.machine()
    name = re.sub(r"\((R|TM)\)|CPU|Processor|@.*", "", name)
    units = " AMX" if "amx_bf16" in text else " AVX-512" if "avx512f" in text else ""
    return f"{' '.join(name.split())}{units}, {text.count('processor	:')} cores"


def commands(options: argparse.Namespace) -> list[list[str]]:
    """Scripts and their arguments, in the order of the page."""
    threads = ["--threads", str(options.threads)]
    found = [
        ["inference.py", *threads],
        ["inference.py", *threads, "--batch", "4"],
        ["inference.py", *threads, "--size", "512", "--rounds", "3"],
        ["training_step.py", *threads, "--stage", "edge"],
        ["training_step.py", *threads, "--stage", "inpaint"],
        ["cost_model.py"],
    ]
    if options.photos:
        found.append(["data_pipeline.py", options.photos, *threads])
        found.append(["canny.py", options.photos])
    if options.model:
        found.append(["tflite.py", "--model", options.model])
    return found


def main() -> None:
    """Writes the page, each table as soon as it is there."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", help="folder of photos, for the data pipeline")
    parser.add_argument("--model", help="trained run, for TFLite")
    parser.add_argument("--threads", type=int, default=1, help="0: the library's own")
    options = parser.parse_args()
    name = processor()
    page = HERE / "results" / f"{re.sub('[^a-z0-9]+', '-', name.lower())}.md"
    page.parent.mkdir(exist_ok=True)
    left_out = [f"`--{key}`" for key in ("photos", "model") if not vars(options)[key]]
    with page.open("w") as file:
        file.write(f"# {name}\n\nPrinted by `make bench`.\n")
        if left_out:
            file.write(f"\nLeft out for want of {' and '.join(left_out)}.\n")
        for command in commands(options):
            print(f"benchmarks/{' '.join(command)}", flush=True)
            done = subprocess.run(
                [sys.executable, str(HERE / command[0]), *command[1:]],
                stdout=subprocess.PIPE,
                text=True,
            )
            shown = [Path(word).name if "/" in word else word for word in command]
            file.write(f"\n## `{' '.join(shown)}`\n\n{done.stdout.strip()}\n")
            if done.returncode:
                file.write(f"\nEnded with exit code {done.returncode}.\n")
            file.flush()
    print(f"wrote {page}")


if __name__ == "__main__":
    main()
