"""One patient's story through both regions' APIs, and what an auditor sees of it."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from drill.client import Answer, ApiClient, api_clients
from drill.deployment import ROOT, Deployment
from drill.emulator import EmbeddedAws

import attrs
from rich.console import Console
from rich.table import Table

PATIENT = "jane-doe"
RECORDS = f"/patients/{PATIENT}/records"
DOCUMENT = f"/patients/{PATIENT}/documents/discharge.pdf"
TRAIL = f"/patients/{PATIENT}/audit"
SCAN = b"%PDF-1.7 demo"
# By its ending the API knows what the role is.
AUDITOR = "demo-auditor"


class DemoError(Exception):
    """The demonstration saw something that must not be."""


@attrs.frozen
class Story:
    """What becomes of a patient's data: told step by step, each step checked."""

    aws: EmbeddedAws
    deployment: Deployment
    console: Console

    def tell(self) -> None:
        """A table of what was asked and answered, the audit trail, and what verifies it.

        Raises:
            DemoError: An answer, the trail or its verification was not as it must be.
        """
        steps = Table("who", "through", "does what", "answer", title=f"\nThe story of {PATIENT}")
        with api_clients(self.aws, self.deployment) as clinicians:
            for step in self._care(*clinicians.values()):
                steps.add_row("clinician", *step)
        routes = f"arn:aws:execute-api:*:{self.aws.account}:*/$default/GET/patients/*"
        with session(self.aws, AUDITOR, routes) as role, api_clients(self.aws, self.deployment, role) as auditors:
            *_, auditor = auditors.values()
            answer = expect(auditor.call("GET", TRAIL), 200)
            refused = expect(auditor.call("GET", RECORDS), 403)
        trail = json.loads(answer.body)
        steps.add_row("auditor", auditor.region, "reads the audit trail", f"200, {len(trail['events'])} rows")
        steps.add_row("auditor", auditor.region, "asks for the records", f"{refused.status}, for clinicians only")
        self.console.print(steps)
        self._show_trail(trail)
        for region in self.aws.regions:
            self._verify(region)

    def _care(self, here: ApiClient, there: ApiClient) -> Iterator[tuple[str, str, str]]:
        """Each step of the clinicians: through which region, what, and the answer."""
        made = expect(write(here, "POST", RECORDS, 72), 201)
        path, first = made.headers["Location"], made.headers["ETag"]
        yield here.region, "writes a heart rate of 72", f"201, version {json.loads(made.body)['version']}"
        yield there.region, "reads the record", f"200, {heart_rate(there, path)} a minute"
        changed = expect(write(there, "PUT", path, 74, if_match=first), 200)
        yield (
            there.region,
            "corrects it to 74, If-Match the first",
            f"200, version {json.loads(changed.body)['version']}",
        )
        late = expect(write(here, "PUT", path, 76, if_match=first), 412)
        yield here.region, "corrects it to 76, If-Match the first", f"{late.status}, it has another version by now"
        yield here.region, "reads the record", f"200, {heart_rate(here, path)} a minute"
        stored = expect(here.call("PUT", DOCUMENT, SCAN, content_type="application/pdf"), 201)
        yield here.region, "stores a document", f"201, {json.loads(stored.body)['replication']}"
        if expect(there.call("GET", DOCUMENT), 200).body != SCAN:
            raise DemoError(f"{there.region} must return the document that {here.region} stored")
        yield there.region, "fetches the document", "200, the same bytes"
        refused = expect(there.call("GET", TRAIL), 403)
        yield there.region, "asks for the audit trail", f"{refused.status}, for auditors only"

    def _show_trail(self, trail: Mapping[str, Any]) -> None:
        table = Table("at", "who", "through", "action", "result", title=f"\nThe audit trail of {PATIENT}")
        for event in trail["events"]:
            who = event["actor_id"].rpartition("#")[2]
            table.add_row(event["occurred_at"], who, event["region"], event["action"], event["result"])
        self.console.print(table)
        if set(trail["chains"].values()) != {"intact"}:
            raise DemoError(f"the chains of the trail must be intact, got: {trail['chains']} {trail['faults']}")
        self.console.print(f"chained by hash, and intact: the rows of {' and of '.join(trail['chains'])}")

    def _verify(self, region: str) -> None:
        """Verify the whole trail as an operator does."""
        suffix = self.deployment.settings["ENVIRONMENT_SUFFIX"]
        arguments = ["-m", "functions.verify", "--region", region, "--suffix", suffix]
        done = subprocess.run(
            [sys.executable, *arguments], cwd=ROOT, env=self.aws.isolated(), capture_output=True, text=True
        )
        if done.returncode:
            raise DemoError(f"the trail in {region} must have no fault, got: {done.stdout}{done.stderr}")
        self.console.print(f"python {' '.join(arguments)}: {done.stdout.strip()}")


def write(client: ApiClient, method: str, path: str, value: int, *, if_match: str | None = None) -> Answer:
    """The answer to a heart rate that is recorded or corrected."""
    record = {
        "record_type": "observation",
        "facility_id": "north-clinic",
        "recorded_at": "2026-01-05T09:30:00Z",
        "content": {"code": "8867-4", "display": "Heart rate", "value": value, "unit": "/min"},
    }
    body = json.dumps(record).encode()
    return client.call(method, path, body, content_type="application/json", if_match=if_match)


def heart_rate(client: ApiClient, path: str) -> int:
    """The heart rate that a region has."""
    return int(json.loads(expect(client.call("GET", path), 200).body)["content"]["value"])


def expect(answer: Answer, status: int) -> Answer:
    """The answer.

    Raises:
        DemoError: Its status is another.
    """
    if answer.status != status:
        raise DemoError(f"an answer of {status} was expected, got: {answer.status} {answer.body!r}")
    return answer


@contextmanager
def session(aws: EmbeddedAws, name: str, resource: str) -> Iterator[Mapping[str, Any]]:
    """Credentials of a new role that may call routes of APIs and do nothing else; the role is gone in the end."""
    iam = aws.client("iam", aws.regions[0])
    trust = statement("sts:AssumeRole", Principal={"AWS": f"arn:aws:iam::{aws.account}:root"})
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    try:
        policy = statement("execute-api:Invoke", Resource=resource)
        iam.put_role_policy(RoleName=name, PolicyName="call", PolicyDocument=policy)
        yield aws.client("sts", aws.regions[0]).assume_role(RoleArn=arn, RoleSessionName=name)["Credentials"]
    finally:
        iam.delete_role_policy(RoleName=name, PolicyName="call")
        iam.delete_role(RoleName=name)


def statement(action: str, **about: object) -> str:
    """A policy document that allows one action."""
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, **about}]})
