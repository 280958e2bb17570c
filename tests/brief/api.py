"""API Gateway: closed but for the health check, throttled, and named without a clash."""

import json
import re
from collections.abc import Iterator

from dr.resources.api import PATIENT_ROUTES
from tests.brief.reading import at, missing, of_region, of_the_api, refer, referred, region_of
from tests.brief.rules import (
    DELEGATED,
    DESIGN,
    THREE_DELEGATED,
    THREE_REGIONS,
    TWO_REGIONS,
    added,
    changed,
    dropped,
    emptied,
    of,
    removed,
    replaced,
)
from tests.synthesis import Resource, Stacks, regions_of, resources

API = "aws_apigatewayv2_api"
ROUTE = "aws_apigatewayv2_route"
STAGE = "aws_apigatewayv2_stage"
AUTHORIZER = "aws_apigatewayv2_authorizer"
INTEGRATION = "aws_apigatewayv2_integration"
PERMISSION = "aws_lambda_permission"
RECORD = "aws_route53_record"
CERTIFICATE = "aws_acm_certificate"
DOMAIN = "aws_apigatewayv2_domain_name"
HEALTH = "GET /healthz"


def _of_patients(route: Resource) -> bool:
    return bool(route.arguments["route_key"] != HEALTH)


def _routes(stacks: Stacks) -> Iterator[Resource]:
    for region in regions_of(stacks):
        keys = {route.arguments["route_key"] for route in of_region(stacks, region, ROUTE)}
        if set(keys) != {HEALTH, *PATIENT_ROUTES}:
            yield Resource(region, ROUTE, "none", {"route_key": "missing"})
        yield from filter(_of_patients, of_region(stacks, region, ROUTE))


@DESIGN.rule(
    "DESIGN, API",
    apps=(TWO_REGIONS, THREE_REGIONS),
    breaks=[
        removed(ROUTE),
        dropped(of(ROUTE, where=_of_patients), "authorization_type"),
        changed(of(ROUTE, where=_of_patients), "authorization_type", to="NONE"),
    ],
)
def without_an_issuer_every_route_of_patients_takes_signed_requests(stacks: Stacks) -> Iterator[str]:
    """AWS_IAM on every route but the health check: closed, deployable."""
    for route in _routes(stacks):
        if route.arguments.get("authorization_type") != "AWS_IAM":
            yield f"{route.address}: is open"


@DESIGN.rule(
    "DESIGN, API",
    apps=(DELEGATED, THREE_DELEGATED),
    breaks=[
        removed(ROUTE),
        removed(AUTHORIZER),
        changed(of(ROUTE, where=_of_patients), "authorization_type", to="NONE"),
        dropped(of(ROUTE, where=_of_patients), "authorizer_id"),
        changed(AUTHORIZER, "jwt_configuration.audience", to=[]),
        changed(AUTHORIZER, "jwt_configuration.issuer", to="https://login.hospital.org"),
    ],
)
def with_an_issuer_every_route_of_patients_takes_its_tokens(stacks: Stacks) -> Iterator[str]:
    """A JWT authorizer of the settings' issuer and audience, the same in all regions."""
    wanted = {"issuer": "https://login.hospital.org/", "audience": ["patients-api"]}
    for route in _routes(stacks):
        authorizer = referred(stacks, route.stack, route.arguments.get("authorizer_id"), AUTHORIZER)
        given = authorizer.arguments if authorizer else {}
        if route.arguments.get("authorization_type") != "JWT" or given.get("jwt_configuration") != wanted:
            yield f"{route.address}: does not ask for a token of the issuer"


@DESIGN.rule(
    "AWS, 5",
    breaks=[
        removed(STAGE),
        dropped(STAGE, "default_route_settings"),
        dropped(STAGE, "default_route_settings.throttling_rate_limit"),
        changed(STAGE, "default_route_settings.throttling_burst_limit", to=0),
        dropped(STAGE, "route_settings"),
        changed(STAGE, "route_settings.0.throttling_rate_limit", to=5),
        dropped(STAGE, "route_settings.0.throttling_burst_limit"),
        dropped(STAGE, "depends_on"),
        changed(STAGE, "depends_on.0", to="aws_apigatewayv2_route.other"),
        changed(STAGE, "depends_on.4", to="aws_apigatewayv2_route.other"),
        changed(STAGE, "auto_deploy", to=False),
    ],
)
def every_stage_sets_its_throttles_and_waits_for_all_routes(stacks: Stacks) -> Iterator[str]:
    """Left out beside any other setting, rate and burst are 0 (TPA#43307); /healthz has its own, 20 and 50 or more."""
    yield from missing(stacks, STAGE)
    for stage in resources(stacks, STAGE):
        settings = [stage.arguments.get("default_route_settings") or {}, *stage.arguments.get("route_settings", [])]
        for each in settings:
            if not (each.get("throttling_rate_limit", 0) > 0 and each.get("throttling_burst_limit", 0) > 0):
                yield f"{stage.address}: answers 429 on {each.get('route_key', 'all routes')}"
        health: dict[str, int] = next((each for each in settings if each.get("route_key") == HEALTH), {})
        if health.get("throttling_rate_limit", 0) < 20 or health.get("throttling_burst_limit", 0) < 50:
            yield f"{stage.address}: does not let the health checks through"
        routes = {f"{ROUTE}.{route.name}" for route in of_region(stacks, stage.stack, ROUTE)}
        for route in sorted(routes - set(stage.arguments.get("depends_on", []))):
            yield f"{stage.address}: does not wait for {route}"
        if stage.arguments.get("auto_deploy") is not True:
            yield f"{stage.address}: does not deploy its routes"


def _for_the_api(permission: Resource) -> bool:
    return "aws_lambda_function.function_" in str(permission.arguments["function_name"])


API_PERMISSION = of(PERMISSION, where=_for_the_api)


@DESIGN.rule(
    "AWS, Lambda and API",
    breaks=[
        removed(PERMISSION, _for_the_api),
        dropped(API_PERMISSION, "qualifier"),
        replaced(PERMISSION, "source_arn", "/$default", "/*"),
        changed(API_PERMISSION, "source_arn", to="${aws_apigatewayv2_api.api.execution_arn}/*"),
        dropped(API_PERMISSION, "source_arn"),
        changed(API_PERMISSION, "principal", to="*"),
        changed(INTEGRATION, "timeout_milliseconds", to=30_001),
        removed("aws_lambda_alias", of_the_api),
    ],
)
def only_the_api_invokes_the_function_by_its_alias_on_known_routes(stacks: Stacks) -> Iterator[str]:
    """A permission for each route, on the alias that the integration calls; an integration ends within 30 s."""
    for region in regions_of(stacks):
        allowed = set()
        for permission in filter(_for_the_api, of_region(stacks, region, PERMISSION)):
            given = permission.arguments
            alias = referred(stacks, region, given.get("qualifier"), "aws_lambda_alias")
            if not alias or given["principal"] != "apigateway.amazonaws.com":
                yield f"{permission.address}: is for {given['principal']} on {given.get('qualifier')}"
            allowed.add(re.sub(r"^\$\{[^}]+\}", "", str(given.get("source_arn"))))
        paths = (route.arguments["route_key"].split(" ") for route in of_region(stacks, region, ROUTE))
        wanted = {f"/$default/{method}{re.sub('{[^}]+}', '*', path)}" for method, path in paths}
        if allowed != wanted or not wanted:
            yield f"{region}: differs in the permissions {sorted(allowed ^ wanted)}"
        for integration in of_region(stacks, region, INTEGRATION):
            if integration.arguments.get("timeout_milliseconds", 30_000) > 30_000:
                yield f"{integration.address}: is refused beyond 30 s"


# What of a request must be in the log, a token's error and the sender's address among it: guesses reach no function.
LOGGED = {f"$context.{field}" for field in ("authorizer.error", "identity.sourceIp", "requestId", "routeKey", "status")}


@DESIGN.rule(
    "SECURITY",
    needs=(STAGE,),
    breaks=[
        replaced(STAGE, "access_log_settings.format", "$context.routeKey", "$context.path"),
        replaced(STAGE, "access_log_settings.format", "$context.requestId", "$context.authorizer.claims.sub"),
        replaced(STAGE, "access_log_settings.format", "$context.identity.sourceIp", "$context.identity.caller"),
        replaced(STAGE, "access_log_settings.format", "$context.authorizer.error", "$context.error.message"),
        changed(STAGE, "access_log_settings.format", to="not JSON"),
    ],
)
def access_logs_hold_no_patients_ids(stacks: Stacks) -> Iterator[str]:
    """A path has a patient's id in it: the route's key is logged instead; and whence came what was refused why."""
    for stage in resources(stacks, STAGE):
        try:
            fields = set(json.loads(at(stage.arguments, "access_log_settings.format")).values())
        except ValueError:
            fields = set()
        private = {field for field in fields - LOGGED if re.search(r"path|authorizer|identity|querystring", field)}
        if private or not fields >= LOGGED:
            yield f"{stage.address}: logs {sorted(fields)}"


@DESIGN.rule(
    "AWS, 9",
    apps=(DELEGATED, TWO_REGIONS, THREE_REGIONS, THREE_DELEGATED),
    needs=(RECORD,),
    breaks=[
        changed(of(RECORD, where=lambda each: each.name.startswith("name-")), "name", to="api.healthcare-dr-dev.com"),
        added("dns", RECORD, zone_id="x", name="api.healthcare-dr-dev.com", type="CNAME", records=["x"]),
    ],
)
def no_two_records_clash(stacks: Stacks) -> Iterator[str]:
    """A CNAME stands alone at its name, and only weighted records share a name and a type."""
    seen: dict[str, tuple[str, str]] = {}
    for record in resources(stacks, RECORD):
        name = record.arguments["name"]
        kind = (record.arguments["type"], "weighted" if "weighted_routing_policy" in record.arguments else record.name)
        if seen.setdefault(name, kind) != kind and name != "":
            yield f"{record.address}: {name} has {kind} and {seen[name]}"


@DESIGN.rule(
    "DESIGN, API; AWS, 9",
    apps=(DELEGATED, THREE_DELEGATED),
    breaks=[
        removed(CERTIFICATE),
        removed("aws_acm_certificate_validation"),
        changed(CERTIFICATE, "validation_method", to="EMAIL"),
        changed(CERTIFICATE, "subject_alternative_names", to=[]),
        changed(CERTIFICATE, "provider", to="aws.us-west-2"),
        removed(DOMAIN),
        changed(DOMAIN, "domain_name_configuration.security_policy", to="TLS_1_0"),
        replaced(DOMAIN, "domain_name_configuration.certificate_arn", "_validation.validation", ".certificate"),
        removed(RECORD, lambda each: each.name.startswith("proof-")),
        removed("aws_apigatewayv2_api_mapping"),
        emptied(API),
    ],
)
def a_delegated_domain_has_certificates_and_names_in_every_region(stacks: Stacks) -> Iterator[str]:
    """Each region serves the clients' name and its own, by a validated certificate of that region."""
    proofs = {
        record.name for record in resources(stacks, RECORD) if "domain_validation_options" in str(record.arguments)
    }
    for region in regions_of(stacks):
        served = []
        for domain in resources(stacks, DOMAIN):
            given = domain.arguments["domain_name_configuration"]
            valid = referred(stacks, domain.stack, given["certificate_arn"], "aws_acm_certificate_validation")
            certificate = valid and referred(stacks, domain.stack, valid.arguments["certificate_arn"], CERTIFICATE)
            if not valid or not certificate or region_of(stacks, domain) != region:
                continue
            proven = [refer(stacks, domain.stack, each) for each in valid.arguments["validation_record_fqdns"]]
            names = [certificate.arguments["domain_name"], *certificate.arguments["subject_alternative_names"]]
            mapped = any(
                referred(stacks, each.stack, each.arguments["domain_name"], DOMAIN) == domain
                and referred(stacks, each.stack, each.arguments["api_id"], API)
                for each in resources(stacks, "aws_apigatewayv2_api_mapping")
            )
            if (
                region_of(stacks, certificate) == region
                and certificate.arguments["validation_method"] == "DNS"
                and given["security_policy"] == "TLS_1_2"
                and domain.arguments["domain_name"] in names
                and len(proven) == len(names)
                and all(proof and proof.name in proofs for proof in proven)
                and mapped
            ):
                served.append(domain.arguments["domain_name"].partition(".healthcare")[0])
        if sorted(served) != sorted(["api", f"{region}.api"]):
            yield f"{region}: serves {served}"
