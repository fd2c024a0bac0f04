"""The figures that the health check of training looks at, over runs that are done.

    tf-edgeconnect train --stage edge --run-dir runs/a --set train.log_every=50
    python benchmarks/training_health.py runs/a runs/b ...

Prints, for each stage of each run, the least and the largest of the means over 200
steps (see `tf_edgeconnect.trainers.health`), and the warnings that the run would have
given.
"""

import argparse
import json
from pathlib import Path

import yaml

from tf_edgeconnect.trainers.health import Health


def main() -> None:
    """Replays the log of each run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    for run in parser.parse_args().runs:
        lines = [
            json.loads(x) for x in (run / "metrics.jsonl").read_text().splitlines()
        ]
        config = yaml.safe_load((run / "config.yaml").read_text())
        logs = [line for line in lines if "learning_rate" in line]  # no validations
        for stage in dict.fromkeys(log["stage"] for log in logs):
            of_stage = [log for log in logs if log["stage"] == stage]
            replay(f"{run.name} {stage}", of_stage, config["losses"]["adversarial"])


def replay(title: str, logs: list[dict], adversarial: str) -> None:
    """Prints what one stage shows."""
    steps = logs[-1]["step"]
    health, ranges, warnings = Health(adversarial, steps=steps), {}, []
    for log in logs:
        figures = {k: float("nan") if v is None else v for k, v in log.items()}
        for warning in health.observe(log["step"], figures):
            warnings.append(f"  step {log['step']}: {warning}")
        for name, value in health.means.items():
            least, largest = ranges.get(name, (value, value))
            ranges[name] = min(least, value), max(largest, value)
    print(f"{title}, {steps} steps")
    for name, (least, largest) in ranges.items():
        print(
            f"  {name:24} {least:8.4f} to {largest:8.4f}, last {health.means[name]:.4f}"
        )
    print("\n".join(warnings) or "  no warning")


if __name__ == "__main__":
    main()
