"""The search for leftovers, kind by kind: what is made is found, and what is deleted again is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drill.emulator import EmbeddedAws
from drill.leftovers import leftovers

import pytest

# Makes a resource; the rest of its line, and what deletes it.
Made = tuple[str, Callable[[], Any]]


def a_rule(east: Any) -> Made:
    events = east("events")
    events.put_rule(Name="left", ScheduleExpression="rate(1 minute)")
    return "events Rules: left", lambda: events.delete_rule(Name="left")


def a_composite_alarm(east: Any) -> Made:
    cloudwatch = east("cloudwatch")
    cloudwatch.put_composite_alarm(AlarmName="left", AlarmRule="FALSE")
    return "cloudwatch CompositeAlarms: left", lambda: cloudwatch.delete_alarms(AlarmNames=["left"])


def a_subscription(east: Any) -> Made:
    topic = east("sns").create_topic(Name="left")["TopicArn"]
    made = east("sns").subscribe(TopicArn=topic, Protocol="email", Endpoint="a@b.org", ReturnSubscriptionArn=True)
    return f"sns Subscriptions: {made['SubscriptionArn']}", lambda: east("sns").delete_topic(TopicArn=topic)


def a_subnet(east: Any) -> Made:
    vpc, clean = a_vpc(east)
    subnet = east("ec2").create_subnet(VpcId=vpc, CidrBlock="10.1.0.0/24")["Subnet"]["SubnetId"]
    return f"ec2 Subnets: {subnet}", lambda: (east("ec2").delete_subnet(SubnetId=subnet), clean())


def a_security_group(east: Any) -> Made:
    vpc, clean = a_vpc(east)
    group = east("ec2").create_security_group(VpcId=vpc, GroupName="left", Description="left")["GroupId"]
    return f"ec2 SecurityGroups: {group}", lambda: (east("ec2").delete_security_group(GroupId=group), clean())


def a_route_table(east: Any) -> Made:
    vpc, clean = a_vpc(east)
    table = east("ec2").create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    return f"ec2 RouteTables: {table}", lambda: (east("ec2").delete_route_table(RouteTableId=table), clean())


def a_vpc(east: Any) -> Made:
    vpc = east("ec2").create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    return vpc, lambda: east("ec2").delete_vpc(VpcId=vpc)


@pytest.mark.parametrize("make", [a_rule, a_composite_alarm, a_subscription, a_subnet, a_security_group, a_route_table])
def test_what_is_left_over_is_found(make: Callable[[Any], Made], healed: EmbeddedAws, east: Any) -> None:
    before = leftovers(healed)
    line, delete = make(east)
    assert f"us-east-1 {line}" in leftovers(healed)
    delete()
    assert leftovers(healed) == before
