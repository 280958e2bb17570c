"""Asks whether any locked package has a known vulnerability: ``python -m tools.audit``. Needs the network."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
AUDITOR = ROOT / ".tools" / "supply" / "bin" / "pip-audit"
OPTIONS = ("--disable-pip", "--require-hashes", "--progress-spinner", "off")
# The scanners' own locks are audited too: they run on developers' machines.
LOCKS = ("bundle", "infra", "dev", "checkov", "supply")
SILENT = "requirements/{}.txt was not audited: run `make audit` on a machine that reaches the list of vulnerabilities."


def audit(lock: str, *options: str) -> int:
    """What is known against the packages of a lock file is printed.

    Args:
        lock: Its name in `requirements`.
        options: Further ones of the auditor.

    Returns:
        0 when nothing is known, 1 when something is, 2 when the auditor cannot tell.
    """
    command = [str(AUDITOR), *OPTIONS, *options, "--requirement", f"requirements/{lock}.txt"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    told = done.stderr.strip().rpartition("\n")[2]
    # It ends with 1 both for a vulnerability and for its own failures, and prints a table for the first alone.
    if done.returncode and not done.stdout:
        sys.stderr.write(f"{told}\n{SILENT.format(lock)}\n")
        return 2
    sys.stdout.write(f"requirements/{lock}.txt: {told}\n{done.stdout}")
    return done.returncode


if __name__ == "__main__":
    sys.exit(max(audit(lock, *sys.argv[1:]) for lock in LOCKS))
