"""ACM, API Gateway, CloudTrail and KMS."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

from ministack import app as application
from ministack.core.responses import get_account_id, get_region
from ministack.services import acm, apigateway, cloudtrail, kms


def keep_tags_and_log_group_of_new_trails() -> None:
    """CreateTrail drops the trail's tags, its log group and the role that writes there."""
    original = cloudtrail._DISPATCH["CreateTrail"]

    def create_trail(body: dict[str, Any]) -> Any:
        answer = original(body)
        if answer[0] == 200:
            name = body["Name"].strip()
            logs = {key: body[key] for key in ("CloudWatchLogsLogGroupArn", "CloudWatchLogsRoleArn") if body.get(key)}
            cloudtrail._trails[name].update(logs)
            tags = {tag["Key"]: tag.get("Value", "") for tag in body.get("TagsList") or ()}
            cloudtrail._trail_tags[cloudtrail._trail_arn(name)] = tags
        return answer

    cloudtrail._DISPATCH["CreateTrail"] = create_trail


def give_jwt_authorizers_no_payload_version() -> None:
    """A JWT authorizer reads back a payload format version, which only REQUEST ones have: it differs for ever."""
    original = apigateway._create_authorizer

    def create_authorizer(api_id: str, data: dict[str, Any]) -> Any:
        answer = original(api_id, data)
        for authorizer in apigateway._authorizers.get(api_id, {}).values():
            if authorizer["authorizerType"] == "JWT":
                authorizer.pop("authorizerPayloadFormatVersion", None)
        return answer

    apigateway._create_authorizer = create_authorizer


def answer_at_the_hosts_of_apis() -> None:
    """An API does not answer at the host that AWS gives it, which its callers sign for: no signature would hold."""
    host = r"^([a-f0-9]{8})\.execute-api\.(?:localhost|[a-z0-9-]+\.amazonaws\.com)(?::\d+)?$"
    application._EXECUTE_API_RE = re.compile(host)


def check_the_algorithm_of_tokens() -> None:
    """A JWT authorizer takes a token whose header names any algorithm, as long as an RS256 signature holds."""
    original = apigateway._verify_rs256_signature

    def verify_rs256_signature(token: str, key: dict[str, Any]) -> bool:
        header = json.loads(apigateway._b64url_decode(token.split(".")[0]))
        return header.get("alg") == "RS256" and bool(original(token, key))

    apigateway._verify_rs256_signature = verify_rs256_signature


def refuse_tokens_that_cannot_be_read() -> None:
    """A JWT authorizer answers 500 to a token whose header is no object or whose times are no numbers."""
    original = apigateway._validate_jwt_authorizer

    async def validate_jwt_authorizer(*given: Any) -> Any:
        try:
            return await original(*given)
        except (AttributeError, TypeError, ValueError):
            return None, None, apigateway._jwt_unauthorized()

    apigateway._validate_jwt_authorizer = validate_jwt_authorizer


def describe_keys_of_aws() -> None:
    """DescribeKey does not know `alias/aws/dynamodb`, which the provider compares every replica's key with."""
    original = kms._describe_key

    def describe_key(data: dict[str, Any]) -> Any:
        name = data.get("KeyId", "").split(":")[-1]
        if not name.startswith("alias/aws/") or kms._resolve_key(name):
            return original(data)
        key = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{get_account_id()}/{get_region()}/{name}"))
        metadata = {"KeyId": key, "Arn": kms._arn(key), "Enabled": True, "KeyState": "Enabled", "KeyManager": "AWS"}
        return kms.json_response({"KeyMetadata": metadata})

    kms._describe_key = describe_key


def keep_certificate_settings() -> None:
    """A certificate loses its key algorithm and its options: it is replaced by every apply."""
    request, shape = acm._request_certificate, acm._cert_shape

    def request_certificate(data: dict[str, Any]) -> Any:
        answer = request(data)
        if answer[0] == 200:
            certificate = acm._certificates[json.loads(answer[2])["CertificateArn"]]
            certificate["_key_algorithm"] = data.get("KeyAlgorithm", "RSA_2048")
            certificate["Options"] = {"CertificateTransparencyLoggingPreference": "ENABLED", **data.get("Options", {})}
        return answer

    def cert_shape(certificate: dict[str, Any]) -> Any:
        return {**shape(certificate), "KeyAlgorithm": certificate.get("_key_algorithm", "RSA_2048")}

    acm._request_certificate, acm._cert_shape = request_certificate, cert_shape
