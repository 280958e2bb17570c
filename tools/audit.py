"""Asks whether any locked package has a known vulnerability: ``python -m tools.audit``. Needs the network."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
AUDITOR = ROOT / ".tools" / "supply" / "bin" / "pip-audit"
OPTIONS = ("--disable-pip", "--require-hashes", "--progress-spinner", "off", "--requirement")
# The scanners' own locks are audited too: they run on developers' machines.
PYTHON_LOCKS = tuple(f"requirements/{name}.txt" for name in ("bundle", "infra", "dev", "checkov", "supply"))
# Of these packages one compiles what is in the functions' zip.
NODE_LOCK = "package-lock.json"
NODE_AUDITOR = ("npm", "audit", "--package-lock-only", "--loglevel=error", "--logs-max=0")
SILENT = "{} was not audited: run `make audit` on a machine that reaches the list of vulnerabilities."


def audit(lock: str, *options: str) -> int:
    """What is known against the packages of a lock file is printed.

    Args:
        lock: Its path in the project.
        options: Further ones of the auditor.

    Returns:
        0 when nothing is known, 1 when something is, 2 when the auditor cannot tell.
    """
    auditor = NODE_AUDITOR if lock == NODE_LOCK else (str(AUDITOR), *OPTIONS, lock)
    done = subprocess.run([*auditor, *options], cwd=ROOT, capture_output=True, text=True)
    told = done.stderr.strip().rpartition("\n")[2]
    # Both end with 1 for a vulnerability and for their own failures; pip-audit prints a table for the first alone.
    if done.returncode and (not done.stdout or told.startswith("npm error")):
        sys.stderr.write(f"{told}\n{SILENT.format(lock)}\n")
        return 2
    report = f"{told}\n{done.stdout}".strip()
    sys.stdout.write(f"{lock}: {report}\n")
    return done.returncode


if __name__ == "__main__":
    sys.exit(max([audit(NODE_LOCK), *(audit(lock, *sys.argv[1:]) for lock in PYTHON_LOCKS)]))
