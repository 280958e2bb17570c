"""The one deployment of a session, and what becomes of it."""

from collections.abc import Iterator, Mapping

from drill.client import ApiClient, api_clients
from drill.deployment import Deployment, Done
from drill.emulator import EmbeddedAws
from tests.deployed.deployer import make_deployer, remove_deployer
from tests.issuer import AUDIENCE, Issuer

import pytest

# Which fixtures end the state that others read: tests that use them come last, whatever selection runs.
LAST = ("delegated_deployment", "destroyed_account")
SUFFIX = "test"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that change the deployment come after those that only look at it."""
    items.sort(key=lambda item: max((LAST.index(name) + 1 for name in LAST if name in _fixtures(item)), default=0))


def _fixtures(item: pytest.Item) -> list[str]:
    return getattr(item, "fixturenames", [])


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedAws]:
    """The account that the session deploys into."""
    with EmbeddedAws(log=tmp_path_factory.mktemp("aws") / "aws.log") as running:
        yield running


@pytest.fixture(scope="session")
def deployer(aws: EmbeddedAws) -> Mapping[str, str]:
    """The environment of a user who may do what docs/deployer allows."""
    return make_deployer(aws, SUFFIX)


@pytest.fixture(scope="session")
def heard() -> list[Done]:
    """What was said to be done while all five stacks were deployed."""
    return []


@pytest.fixture(scope="session")
def deployment(deployer: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory, heard: list[Done]) -> Deployment:
    """All five stacks, deployed by the CDKTF command line."""
    made = Deployment(tmp_path_factory.mktemp("deployment"), deployer, ENVIRONMENT_SUFFIX=SUFFIX)
    made.deploy(listen=heard.append)
    return made


@pytest.fixture(scope="session")
def issuer() -> Iterator[Issuer]:
    """Whose tokens the APIs take once the deployment is delegated."""
    with Issuer() as answering:
        yield answering


@pytest.fixture(scope="session")
def delegated_deployment(
    aws: EmbeddedAws, deployer: Mapping[str, str], deployment: Deployment, issuer: Issuer
) -> Deployment:
    """The same deployment after its domain was delegated and its callers got an issuer."""
    parent = aws.client("route53", "us-east-1").create_hosted_zone(Name="com.", CallerReference="parent")
    changed = Deployment(
        deployment.folder,
        deployer,
        ENVIRONMENT_SUFFIX=SUFFIX,
        DR_DOMAIN_DELEGATED="true",
        DR_PARENT_ZONE_ID=parent["HostedZone"]["Id"].removeprefix("/hostedzone/"),
        DR_OIDC_ISSUER=issuer.url,
        DR_OIDC_AUDIENCE=AUDIENCE,
        DR_ALERT_SUBSCRIPTIONS=f"oncall@hospital.org, arn:aws:sqs:us-east-1:{aws.account}:operations",
    )
    changed.deploy()
    return changed


@pytest.fixture(scope="session")
def destroyed_account(aws: EmbeddedAws, delegated_deployment: Deployment) -> EmbeddedAws:
    """The account after everything was destroyed."""
    delegated_deployment.destroy()
    remove_deployer(aws)
    aws.client("route53", "us-east-1").delete_hosted_zone(Id=delegated_deployment.settings["DR_PARENT_ZONE_ID"])
    return aws


@pytest.fixture(scope="session")
def clients(aws: EmbeddedAws, deployment: Deployment) -> Iterator[dict[str, ApiClient]]:
    """A caller of each region's API."""
    with api_clients(aws, deployment) as made:
        yield made


@pytest.fixture(scope="session")
def strangers(aws: EmbeddedAws, delegated_deployment: Deployment) -> Iterator[dict[str, ApiClient]]:
    """A caller of each region's API who has to bring a token of the issuer."""
    with api_clients(aws, delegated_deployment) as made:
        yield made


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the calls that were tried as each role, and what came of them."""
    reports = terminalreporter.getreports("passed")
    tried = [value for report in reports for name, value in report.user_properties if name == "call"]
    if tried:
        terminalreporter.section("calls tried as each role")
        for role, call, outcome in dict.fromkeys(map(tuple, tried)):
            terminalreporter.write_line(f"{role:12} {outcome:22} {call}")
