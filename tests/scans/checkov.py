"""What checkov finds in the synthesized stacks."""

import json
from collections.abc import Mapping
from pathlib import Path

from tests.scans.gate import Finding
from tests.scans.scanner import run
from tests.synthesis import Stacks

# checkov 3.3.30 fails on `terraform.required_version`, and looks at nothing but these.
READ = ("data", "provider", "resource")


def scan(folder: Path, apps: Mapping[str, Stacks]) -> dict[str, list[Finding]]:
    """All that checkov finds in each of these apps, by one run over copies in the folder.

    Raises:
        ValueError: When it has not read every stack.
    """
    for app, stacks in apps.items():
        for stack, content in stacks.items():
            copy = folder / app / stack / "cdk.tf.json"
            copy.parent.mkdir(parents=True)
            copy.write_text(json.dumps({key: content[key] for key in READ if key in content}, indent=1))
    options = ("--framework", "terraform_json", "--skip-download", "--output", "json", "--quiet", "--compact")
    done = run("checkov", "checkov", "--directory", str(folder), *options)
    report = json.loads(done.stdout)
    if done.stderr or report["summary"]["parsing_errors"] or not report["summary"]["passed"]:
        raise ValueError(f"checkov must read every stack, got: {report['summary']}\n{done.stderr}")
    found: dict[str, list[Finding]] = {app: [] for app in apps}
    for failed in report["results"]["failed_checks"]:
        _, app, stack, _ = failed["file_path"].split("/")
        found[app].append(Finding(failed["check_id"], f"{stack}: {failed['resource']}", failed["check_name"]))
    return found
