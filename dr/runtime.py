"""Starts node with jsii's program when it is imported: before jsii, for which node need not wait.

jsii would copy the program to a folder first, and start a node there that starts another.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

from dr.bindings import STOCK


def start() -> "subprocess.Popen[bytes] | None":
    """The process, or nothing where jsii is to start it or has done so."""
    spec = importlib.util.find_spec("jsii")
    if (
        os.environ.get(STOCK)
        or os.environ.get("JSII_RUNTIME")
        or "jsii" in sys.modules
        or spec is None
        or spec.origin is None
    ):
        return None
    program = Path(spec.origin).with_name("_embedded") / "jsii/lib__program.js"
    return subprocess.Popen(
        [os.environ.get("JSII_NODE", "node"), "--max-old-space-size=4069", str(program)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"JSII_AGENT": f"Python/{sys.version.split()[0]}"},
    )


NODE = start()
