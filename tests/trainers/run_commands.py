"""Runs `tf-edgeconnect` with one list of arguments after the other, in one process.

Takes a JSON list of them; ends at the first that does not exit with 0.
"""

import json
import sys

from tests.trainers.tiny_run import without_graph_optimizer
from tf_edgeconnect.cli.main import run

if __name__ == "__main__":
    with without_graph_optimizer():
        codes = (run(arguments) for arguments in json.loads(sys.argv[1]))
        sys.exit(next(filter(None, codes), 0))
