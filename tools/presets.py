"""`python tools/presets.py` is `tf-edgeconnect presets`, straight from a checkout."""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])
from tf_edgeconnect.cli.main import main

main(["presets", *sys.argv[1:]])
