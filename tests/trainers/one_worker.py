"""One worker of several: runs command lines in turn, in one process.

Takes a JSON list of command lines; ends at the first that does not exit with 0.
"""

import json
import sys

from tf_edgeconnect.cli.main import run

if __name__ == "__main__":
    for arguments in json.loads(sys.argv[1]):
        code = run(arguments)
        if code:
            sys.exit(code)
