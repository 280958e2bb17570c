"""The stacks as a whole: providers, state, and nothing that is particular to one machine."""

import re
from collections.abc import Iterator
from typing import Any

from tests.brief.reading import texts
from tests.brief.rules import DESIGN, changed, dropped, provider, terraform
from tests.synthesis import LINKS, Stacks, regions_of

# What a provider block may hold: nothing of credentials, endpoints or the emulator, which are the environment's.
PROVIDER = {"alias", "default_tags", "max_retries", "region"}
MACHINE = re.compile(
    r"(^|[^\w.])/(home|root|tmp|usr|var|work|opt|mnt|private|Users)/|[A-Za-z]:\\|localhost|127\.0\.0\.1"
)
ACCOUNT = re.compile(r"(?<![\w/+])\d{12}(?![\w/+])")


def _quick_provider(stacks: Stacks) -> Iterator[dict[str, Any]]:
    for stack, content in stacks.items():
        yield from content["provider"]["aws"] if stack != "dns" else ()


@DESIGN.rule(
    "DESIGN, Stacks",
    breaks=[dropped(_quick_provider, "max_retries"), changed(_quick_provider, "max_retries", to=25)],
)
def every_provider_gives_up_soon_on_a_dead_region(stacks: Stacks) -> Iterator[str]:
    """A plan against a region that is gone would otherwise retry for many minutes.

    Not in `dns`: its custom domains are throttled for 30 s each, and its control planes are in us-east-1 anyhow.
    """
    for stack, content in stacks.items():
        if stack == "dns":
            continue
        if not content["provider"]["aws"]:
            yield f"{stack}: has no provider"
        for each in content["provider"]["aws"]:
            if not 1 <= each.get("max_retries", 25) <= 5:
                yield f"{stack}: retries {each.get('max_retries', 25)} times in {each['region']}"


@DESIGN.rule(
    "DESIGN, Stacks",
    breaks=[
        changed(provider, "endpoints", to=[{"s3": "http://127.0.0.1:4566"}]),
        changed(provider, "skip_credentials_validation", to=True),
        changed(provider, "access_key", to="test"),
        changed(provider, "profile", to="default"),
        changed(provider, "s3_use_path_style", to=True),
    ],
)
def providers_say_nothing_that_is_particular_to_the_emulator(stacks: Stacks) -> Iterator[str]:
    """The same JSON goes to AWS and to the embedded AWS: only environment variables differ."""
    for stack, content in stacks.items():
        if not content["provider"]["aws"]:
            yield f"{stack}: has no provider"
        for each in content["provider"]["aws"]:
            yield from (
                f"{stack}: the provider of {each['region']} has {key}" for key in sorted(each.keys() - PROVIDER)
            )


def _path_of_a_machine(stacks: Stacks) -> None:
    for function in stacks["us-east-1"]["resource"]["aws_lambda_function"].values():
        function["filename"] = "/home/somebody/functions.zip"


def _account_of_somebody(stacks: Stacks) -> None:
    for alarm in stacks["us-west-2"]["resource"]["aws_cloudwatch_metric_alarm"].values():
        alarm["alarm_actions"] = ["arn:aws:sns:us-west-2:123456789012:topic"]


@DESIGN.rule(
    "DESIGN, Stacks",
    needs=("aws_lambda_function",),
    breaks=[
        _path_of_a_machine,
        _account_of_somebody,
        changed(terraform, "backend", to={"local": {"path": "/home/someone/terraform.tfstate"}}),
        changed("aws_route53_health_check", "fqdn", to="localhost"),
    ],
)
def nothing_is_particular_to_a_machine_or_an_account(stacks: Stacks) -> Iterator[str]:
    """No absolute path, no loopback address, no account's number but in subscriptions, which users name."""
    for stack, content in stacks.items():
        for path, text in texts(content):
            if MACHINE.search(text):
                yield f"{stack}{path}: names a place on a machine: {text}"
            if ACCOUNT.search(text) and not path.startswith(".resource.aws_sns_topic_subscription"):
                yield f"{stack}{path}: names an account: {text}"


def _same_state(stacks: Stacks) -> None:
    stacks["dns"]["terraform"]["backend"] = stacks["peering"]["terraform"]["backend"]


@DESIGN.rule(
    "DESIGN, Stacks",
    breaks=[
        dropped(terraform, "required_version"),
        dropped(terraform, "required_providers"),
        changed(terraform, "required_providers.aws.version", to=">= 5"),
        dropped(terraform, "backend"),
        _same_state,
    ],
)
def every_stack_pins_its_versions_and_keeps_a_state_of_its_own(stacks: Stacks) -> Iterator[str]:
    """Terraform from 1.10, which locks a state beside itself; one version of the provider; no state shared."""
    states = [str(content["terraform"].get("backend")) for content in stacks.values()]
    if len(set(states)) != len(stacks) or "None" in states:
        yield f"the states are {states}"
    for stack, content in stacks.items():
        block = content["terraform"]
        if not str(block.get("required_version")).startswith(">= 1.10"):
            yield f"{stack}: takes Terraform {block.get('required_version')}"
        if not re.fullmatch(r"\d+\.\d+\.\d+", str(block.get("required_providers", {}).get("aws", {}).get("version"))):
            yield f"{stack}: does not pin its provider"


def _region_reads_another(stacks: Stacks) -> None:
    stacks["us-west-2"]["data"]["terraform_remote_state"] = {"cross-stack-reference-input-us-east-1": {}}


def _region_reaches_another(stacks: Stacks) -> None:
    stacks["us-west-2"]["provider"]["aws"].append({"alias": "us-east-1", "region": "us-east-1"})


def _links_read_nothing(stacks: Stacks) -> None:
    del stacks["replication"]["data"]["terraform_remote_state"]


def _link_reads_link(stacks: Stacks) -> None:
    stacks["dns"]["data"]["terraform_remote_state"]["cross-stack-reference-input-peering"] = {}


@DESIGN.rule(
    "DESIGN, Stacks",
    breaks=[_region_reads_another, _region_reaches_another, _links_read_nothing, _link_reads_link],
)
def a_region_stack_reads_no_other_and_a_link_reads_the_regions_alone(stacks: Stacks) -> Iterator[str]:
    """A region deploys, plans and is destroyed while every other one is down."""
    for stack, content in stacks.items():
        read = {
            key.removeprefix("cross-stack-reference-input-")
            for key in content["data"].get("terraform_remote_state", {})
        }
        expected = set(regions_of(stacks)) if stack in LINKS else set()
        if read != expected:
            yield f"{stack}: reads {sorted(read)}"
        reached = [each["region"] for each in content["provider"]["aws"]]
        if sorted(reached) != (sorted(regions_of(stacks)) if stack in LINKS else [stack]):
            yield f"{stack}: reaches {reached}"
