"""The programs of the scanners' own environments, run without any way to the network."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# A proxy that nobody listens at: what would call home fails, and is seen to.
NOWHERE = "http://127.0.0.1:9"
SETTINGS = {
    "HTTP_PROXY": NOWHERE,
    "HTTPS_PROXY": NOWHERE,
    "NO_PROXY": "",
    "LOG_LEVEL": "ERROR",
    "PYTHONWARNINGS": "ignore",  # those of other people's programs, about themselves
}


def run(environment: str, program: str, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """The program of `.tools/<environment>` has run; whether its exit code is right is for the caller to judge.

    Raises:
        FileNotFoundError: When that environment has not been installed.
    """
    path = ROOT / ".tools" / environment / "bin" / program
    if not path.exists():
        raise FileNotFoundError(f"'{program}' of .tools/{environment} is missing: run `make scanners`")
    kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    return subprocess.run(
        [path, *arguments], cwd=ROOT, env=kept | SETTINGS, capture_output=True, text=True, input=stdin
    )
