"""EC2: endpoints, flow logs, security-group rules and peering connections."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any
from xml.sax.saxutils import escape

from ministack.core.responses import get_region
from ministack.services import ec2

Answer = tuple[int, dict[str, str], bytes]
Action = Callable[[Any], Answer]
FLOW_LOG_FORMAT = (
    "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} "
    "${bytes} ${start} ${end} ${action} ${log-status}"
)
ENDPOINT_ZONES = {"us-east-1": "Z7HUB22UULQXV", "us-west-2": "Z1YSA3EXCYUU9Z"}
"""Hosted zones of the names that interface endpoints have of their own."""


ENDPOINT_SETTINGS = {
    "PolicyDocument": "PolicyDocument",
    "PrivateDnsEnabled": "PrivateDns",
    "DnsOptions.DnsRecordIpType": "DnsRecords",
    "DnsOptions.PrivateDnsOnlyForInboundResolverEndpoint": "OnlyForResolver",
}
"""Parameters of the two calls, and where the endpoint's record keeps them."""


def keep_endpoint_settings() -> None:
    """An endpoint loses its policy, and an interface endpoint its security groups, its DNS settings and names."""
    fields = ec2._vpce_fields_xml

    def fields_xml(endpoint: dict[str, Any], tag: str = "item") -> str:
        shown: str = fields(endpoint, tag)
        more = _element("policyDocument", escape(endpoint.get("PolicyDocument", "")))
        if endpoint["VpcEndpointType"] == "Interface":
            more += _element("groupSet", "".join(_item("groupId", group) for group in endpoint.get("Groups", [])))
            more += _element("privateDnsEnabled", endpoint.get("PrivateDns", "false"))
            more += _element("dnsOptions", _dns_options(endpoint))
            more += _element("dnsEntrySet", _endpoint_name(endpoint))
        return shown.removesuffix(f"</{tag}>") + more + f"</{tag}>"

    def create(original: Action, params: Any) -> Answer:
        status, headers, body = original(params)
        for found in re.findall(r"<vpcEndpointId>([^<]+)<", body.decode()):
            endpoint = ec2._vpc_endpoints[found]
            endpoint["Groups"] = ec2._parse_member_list(params, "SecurityGroupId")
            _keep_settings(endpoint, params)
        return status, headers, body

    def modify(original: Action, params: Any) -> Answer:
        if endpoint := ec2._vpc_endpoints.get(ec2._p(params, "VpcEndpointId")):
            gone = ec2._parse_member_list(params, "RemoveSecurityGroupId")
            kept = [group for group in endpoint.get("Groups", []) if group not in gone]
            endpoint["Groups"] = [*kept, *ec2._parse_member_list(params, "AddSecurityGroupId")]
            _keep_settings(endpoint, params)
        return original(params)

    ec2._vpce_fields_xml = fields_xml
    _wrap("CreateVpcEndpoint", create)
    _wrap("ModifyVpcEndpoint", modify)


def keep_flow_log_settings() -> None:
    """A flow log loses its role, its interval, its format and its tags."""

    def create(original: Action, params: Any) -> Answer:
        status, headers, body = original(params)
        for found in re.findall(r"<item>(fl-[^<]+)<", body.decode()):
            ec2._flow_logs[found]["_shown"] = {
                "deliverLogsPermissionArn": ec2._p(params, "DeliverLogsPermissionArn"),
                "logGroupName": ec2._p(params, "LogGroupName"),
                "maxAggregationInterval": ec2._p(params, "MaxAggregationInterval") or "600",
                "logFormat": ec2._p(params, "LogFormat") or FLOW_LOG_FORMAT,
            }
            ec2._parse_tag_specs(params, "vpc-flow-log", found)
        return status, headers, body

    def describe(original: Action, params: Any) -> Answer:
        def more(match: re.Match[str]) -> str:
            shown = ec2._flow_logs[match[1]].get("_shown", {})
            return match[0] + "".join(_element(name, escape(value)) for name, value in shown.items())

        status, headers, body = original(params)
        return status, headers, re.sub(r"<flowLogId>([^<]+)</flowLogId>", more, body.decode()).encode()

    _wrap("CreateFlowLogs", create)
    _wrap("DescribeFlowLogs", describe)


def keep_prefix_lists_of_rules() -> None:
    """A security-group rule to a prefix list loses it: the rule is created anew by every apply."""
    parse, render = ec2._parse_ip_permissions, ec2._sg_rule_xml

    def parse_ip_permissions(params: Any, prefix: str) -> list[dict[str, Any]]:
        rules: list[dict[str, Any]] = parse(params, prefix)
        for number, rule in enumerate(rules, 1):
            one = f"{prefix}.{number}.PrefixListIds.1"
            if found := ec2._p(params, f"{one}.PrefixListId"):
                text = ec2._p(params, f"{one}.Description")
                rule["PrefixListIds"] = [{"PrefixListId": found, **({"Description": text} if text else {})}]
        return rules

    def sg_rule_xml(group: str, rule: dict[str, Any], is_egress: bool = False) -> str:
        shown: str = render(group, rule, is_egress)
        for entry in rule.get("PrefixListIds", [])[:1]:
            shown = shown.replace("</toPort>", f"</toPort>{_element('prefixListId', entry['PrefixListId'])}", 1)
        return shown

    ec2._parse_ip_permissions, ec2._sg_rule_xml = parse_ip_permissions, sg_rule_xml


def know_peering_options() -> None:
    """ModifyVpcPeeringConnectionOptions is unknown, and a peering's CIDR blocks and options read as empty."""
    options: dict[tuple[str, str], str] = {}

    def modify(params: Any) -> Any:
        found = ec2._p(params, "VpcPeeringConnectionId")
        if found not in ec2._vpc_peering:
            text = f"The VPC peering connection '{found}' does not exist"
            return ec2._error("InvalidVpcPeeringConnectionID.NotFound", text, 400)
        for side in ("requester", "accepter"):
            name = f"{side.capitalize()}PeeringConnectionOptions.AllowDnsResolutionFromRemoteVpc"
            options[found, side] = (ec2._p(params, name) or options.get((found, side), "false")).lower()
        inner = "".join(
            _element(f"{side}PeeringConnectionOptions", _peering_options(options[found, side]))
            for side in ("requester", "accepter")
        )
        return ec2._xml(200, "ModifyVpcPeeringConnectionOptionsResponse", inner)

    def describe(original: Action, params: Any) -> Answer:
        status, headers, body = original(params)
        parts = re.split(r"(?=<vpcPeeringConnectionId>)", body.decode())
        for number, part in enumerate(parts[1:], 1):
            found = part.removeprefix("<vpcPeeringConnectionId>").split("<")[0]
            for side in ("requester", "accepter"):
                more = _cidr_block(ec2._vpc_peering[found][f"{side.capitalize()}VpcInfo"])
                more += _element("peeringOptions", _peering_options(options.get((found, side), "false")))
                part = part.replace(f"</{side}VpcInfo>", f"{more}</{side}VpcInfo>", 1)
            parts[number] = part
        return status, headers, "".join(parts).encode()

    ec2._ACTION_MAP["ModifyVpcPeeringConnectionOptions"] = modify
    _wrap("DescribeVpcPeeringConnections", describe)


def _wrap(action: str, mended: Callable[[Action, Any], Answer]) -> None:
    ec2._ACTION_MAP[action] = partial(mended, ec2._ACTION_MAP[action])


def _keep_settings(endpoint: dict[str, Any], params: Any) -> None:
    for name, key in ENDPOINT_SETTINGS.items():
        if value := ec2._p(params, name):
            endpoint[key] = value


def _dns_options(endpoint: dict[str, Any]) -> str:
    records, inbound = endpoint.get("DnsRecords", "ipv4"), endpoint.get("OnlyForResolver", "")
    return _element("dnsRecordIpType", records) + _element("privateDnsOnlyForInboundResolverEndpoint", inbound)


def _endpoint_name(endpoint: dict[str, Any]) -> str:
    *_, service = endpoint["ServiceName"].split(".")
    name = f"{endpoint['VpcEndpointId']}-{endpoint['VpcEndpointId'][-8:]}.{service}.{get_region()}.vpce.amazonaws.com"
    zone = _element("hostedZoneId", ENDPOINT_ZONES.get(get_region(), "Z00000000000000000000"))
    return _element("item", _element("dnsName", f"*.{name}" if service == "s3" else name) + zone)


def _cidr_block(side: dict[str, str]) -> str:
    vpc = ec2._vpcs.get_scoped(side["OwnerId"], side["Region"], side["VpcId"])
    return _element("cidrBlock", vpc["CidrBlock"]) if vpc else ""


def _peering_options(dns: str) -> str:
    classic = ("allowEgressFromLocalClassicLinkToRemoteVpc", "allowEgressFromLocalVpcToRemoteClassicLink")
    return _element("allowDnsResolutionFromRemoteVpc", dns) + "".join(_element(name, "false") for name in classic)


def _item(name: str, content: str) -> str:
    return _element("item", _element(name, content))


def _element(name: str, content: str) -> str:
    return f"<{name}>{content}</{name}>" if content else ""
