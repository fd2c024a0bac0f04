"""`python tools/doctor.py` is `tf-edgeconnect doctor`, straight from a checkout."""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])
from tf_edgeconnect.cli.main import main

main(["doctor", *sys.argv[1:]])
