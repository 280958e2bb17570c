"""A region's API: an HTTP API in front of one function."""

import json
import re

from dr.resources.data_class import DataClass
from dr.resources.encryption import EncryptionKey
from dr.resources.function import Function

from cdktf_cdktf_provider_aws.apigatewayv2_api import Apigatewayv2Api
from cdktf_cdktf_provider_aws.apigatewayv2_authorizer import (
    Apigatewayv2Authorizer,
    Apigatewayv2AuthorizerJwtConfiguration,
)
from cdktf_cdktf_provider_aws.apigatewayv2_integration import Apigatewayv2Integration
from cdktf_cdktf_provider_aws.apigatewayv2_route import Apigatewayv2Route
from cdktf_cdktf_provider_aws.apigatewayv2_stage import (
    Apigatewayv2Stage,
    Apigatewayv2StageAccessLogSettings,
    Apigatewayv2StageDefaultRouteSettings,
    Apigatewayv2StageRouteSettings,
)
from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from constructs import Construct

HEALTH_PATH = "/healthz"
# The word that the health check looks for in the answer. The function's word for the opposite does not hold it.
HEALTHY = "serving"
HEALTH_ROUTE = f"GET {HEALTH_PATH}"
PATIENT_ROUTES = (
    "DELETE /patients/{patient_id}/records/{record_id}",
    "GET /facilities/{facility_id}/records",
    "GET /patients/{patient_id}/audit",
    "GET /patients/{patient_id}/documents",
    "GET /patients/{patient_id}/documents/{name}",
    "GET /patients/{patient_id}/documents/{name}/download",
    "GET /patients/{patient_id}/documents/{name}/status",
    "GET /patients/{patient_id}/records",
    "GET /patients/{patient_id}/records/{record_id}",
    "GET /patients/{patient_id}/records/{record_id}/history",
    "POST /patients/{patient_id}/documents/{name}/uploads",
    "POST /patients/{patient_id}/documents/{name}/versions",
    "POST /patients/{patient_id}/records",
    "PUT /patients/{patient_id}/documents/{name}",
    "PUT /patients/{patient_id}/records/{record_id}",
)
STAGE = "$default"
# Left out, API Gateway takes 0 for both as soon as there is any setting of a route: 429 for all.
RATE, BURST = 1000, 2000
# About 16 checkers that do not coordinate: several requests a second whatever the interval. Far more, for it is open to
# everybody: who could use it up would have the region taken for unhealthy. The function asks its table once a second.
HEALTH_RATE, HEALTH_BURST = 500, 1000
# The function's 30 s include its start; API Gateway ends an integration at 30 s at the latest.
INTEGRATION_TIMEOUT_MS = 29_000
# Never the path: it holds patients' ids.
ACCESS_LOG = {
    "requestId": "$context.requestId",
    "route": "$context.routeKey",
    "status": "$context.status",
    "latencyMs": "$context.responseLatency",
    "time": "$context.requestTimeEpoch",
    "error": "$context.error.responseType",
    "caller": "$context.identity.sourceIp",
    "refusal": "$context.authorizer.error",
}


class Api(Construct):
    """An HTTP API whose routes all but the health check ask who is calling.

    With an issuer every route has a JWT authorizer, the same in all regions; without one the routes take signed
    requests of the account's own identities (AWS_IAM). No route of patients' data is ever open.

    Attributes:
        id: The API's id.
        host: The name it has by itself, which the health check asks.
        stage: The stage's id, for mappings of custom domains.
        access_log: The name of the log group with a line for every request, served or not.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        region: str,
        function: Function,
        key: EncryptionKey,
        issuer: str | None,
        audience: str | None,
        log_retention_days: int,
    ) -> None:
        """Make the API.

        Args:
            scope: The region's stack.
            id_: Its id there.
            name: Its name.
            region: Its region.
            function: Answers every route.
            key: Encrypts the access log.
            issuer: The OIDC issuer whose tokens are taken, None for AWS_IAM.
            audience: The audience that the tokens must be for.
            log_retention_days: How long the access log is kept.
        """
        super().__init__(scope, id_)
        api = Apigatewayv2Api(self, "api", name=name, protocol_type="HTTP", tags={"Name": name})
        self.id = api.id
        self.host = f"{self.id}.execute-api.{region}.amazonaws.com"
        integration = Apigatewayv2Integration(
            self,
            "integration",
            api_id=self.id,
            integration_type="AWS_PROXY",
            integration_uri=function.invoke_arn,
            integration_method="POST",
            payload_format_version="2.0",
            timeout_milliseconds=INTEGRATION_TIMEOUT_MS,
        )
        target = f"integrations/{integration.id}"
        authorizer = self._create_authorizer(issuer, audience)
        routes = [Apigatewayv2Route(self, "route-healthz", api_id=self.id, route_key=HEALTH_ROUTE, target=target)]
        routes += [
            Apigatewayv2Route(
                self,
                _route_id(route),
                api_id=self.id,
                route_key=route,
                target=target,
                authorization_type="JWT" if authorizer else "AWS_IAM",
                authorizer_id=authorizer,
            )
            for route in PATIENT_ROUTES
        ]
        logs = CloudwatchLogGroup(
            self,
            "access-log",
            # Under this prefix all deliveries share one of the region's ten Logs resource policies.
            name=f"/aws/vendedlogs/apigateway/{name}",
            kms_key_id=key.arn,
            retention_in_days=log_retention_days,
            tags=DataClass.AUDIT.tag,
        )
        stage = Apigatewayv2Stage(
            self,
            "stage",
            api_id=self.id,
            name=STAGE,
            auto_deploy=True,
            access_log_settings=Apigatewayv2StageAccessLogSettings(
                destination_arn=logs.arn, format=json.dumps(ACCESS_LOG)
            ),
            default_route_settings=Apigatewayv2StageDefaultRouteSettings(
                throttling_rate_limit=RATE, throttling_burst_limit=BURST, detailed_metrics_enabled=True
            ),
            route_settings=[
                Apigatewayv2StageRouteSettings(
                    route_key=HEALTH_ROUTE,
                    throttling_rate_limit=HEALTH_RATE,
                    throttling_burst_limit=HEALTH_BURST,
                    detailed_metrics_enabled=True,
                )
            ],
            depends_on=routes,
        )
        self.stage, self.access_log = stage.id, logs.name
        execution_arn = api.execution_arn
        for route in (HEALTH_ROUTE, *PATIENT_ROUTES):
            self._allow_invocation(route, function, execution_arn)

    def _create_authorizer(self, issuer: str | None, audience: str | None) -> str | None:
        if issuer is None or audience is None:
            return None
        authorizer = Apigatewayv2Authorizer(
            self,
            "authorizer",
            api_id=self.id,
            name="jwt",
            authorizer_type="JWT",
            identity_sources=["$request.header.Authorization"],
            jwt_configuration=Apigatewayv2AuthorizerJwtConfiguration(issuer=issuer, audience=[audience]),
        )
        return authorizer.id

    def _allow_invocation(self, route: str, function: Function, execution_arn: str) -> None:
        method, path = route.split(" ")
        function.allow(
            self,
            f"permission-{_route_id(route).removeprefix('route-')}",
            service="apigateway",
            source_arn=f"{execution_arn}/{STAGE}/{method}{re.sub(r'{[^}]+}', '*', path)}",
        )


def _route_id(route: str) -> str:
    """``GET /patients/{patient_id}/records/{record_id}`` is ``route-get-records-one``.

    All words of the path but the patient stay, so no two routes have one id.
    """
    method, path = route.split(" ")
    words = path.removeprefix("/patients/{patient_id}").strip("/").split("/")
    return "-".join(["route", method.lower(), *("one" if word.startswith("{") else word for word in words)])
