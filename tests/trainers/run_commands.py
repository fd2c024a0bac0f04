"""Runs `tf-edgeconnect` as a user has it, with one list of arguments after the other.

Takes JSON lists, one a line, and prints `exit CODE` after each.
"""

import json
import sys

from tf_edgeconnect.cli.main import run

if __name__ == "__main__":
    for line in sys.stdin:
        print("exit", run(json.loads(line)), flush=True)
