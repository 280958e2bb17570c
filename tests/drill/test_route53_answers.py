"""What a zone answers, for zones written down here."""

from collections import Counter
from random import Random

from drill.route53.answers import Answer, answer, healthy
from drill.route53.zone import Record, Zone

import attrs
import pytest
from dns import rcode

SOA = "ns-1.awsdns-00.com. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400"
BASE = Record(
    name="dr.org.", type="SOA", ttl=900, values=(SOA,), id="", weight=1, check=None, alias=None, evaluates=False
)


def record(name: str, type_: str, *values: str, ttl: int = 60, **more: object) -> Record:
    return attrs.evolve(BASE, name=f"{name}.dr.org.", type=type_, values=values, ttl=ttl, **more)  # type: ignore[arg-type]  # any field


ZONE = Zone(
    "dr.org.",
    (
        BASE,
        record("test", "CNAME", "a.execute-api.us-east-1.amazonaws.com", id="us-east-1", weight=70, check="east"),
        record("test", "CNAME", "b.execute-api.us-west-2.amazonaws.com", id="us-west-2", weight=30, check="west"),
        record("api", "A", id="us-east-1", weight=70, check="east", alias="d-a.execute-api.us-east-1.amazonaws.com."),
        record("api", "A", id="us-west-2", weight=30, check="west", alias="d-b.execute-api.us-west-2.amazonaws.com."),
        record("api6", "AAAA", alias="d-a.execute-api.us-east-1.amazonaws.com."),
        record("first", "CNAME", "host.dr.org", id="first"),
        record("www", "CNAME", "host.dr.org"),
        record("host", "A", "10.0.0.1", "10.0.0.2", ttl=20),
        record("same", "A", alias="host.dr.org.", evaluates=True),
        record("checked", "A", "10.0.0.3", check="east"),
        record("as-checked", "A", alias="checked.dr.org.", evaluates=True),
        record("lost", "CNAME", "nowhere.dr.org"),
        record("circle", "CNAME", "circle.dr.org"),
        record("deep.er", "TXT", '"x"'),
    ),
    {},
)
UP = {"east": True, "west": True}
RANDOM = Random(1)  # noqa: S311  the same draws in every run


def ask(name: str, kind: str = "A", *, zone: Zone = ZONE, east: bool = True, west: bool = True) -> Answer:
    addresses = {"d-a.execute-api.us-east-1.amazonaws.com": "127.0.1.1"}
    return answer(
        zone, f"{name}.dr.org", kind, status={"east": east, "west": west}, random=RANDOM, address=addresses.get
    )


def said(found: Answer) -> list[str]:
    return [each.to_text() for each in found.answers]


def test_weights_are_probabilities_and_one_record_answers() -> None:
    answers = [ask("test") for _ in range(2000)]
    assert all(len(found.answers) == len(found.answers[0]) == 1 for found in answers)
    assert 0.66 < Counter(found.chosen for found in answers)["us-east-1"] / 2000 < 0.74


@pytest.mark.parametrize(("down", "left"), [("east", "us-west-2"), ("west", "us-east-1")])
def test_an_unhealthy_record_never_answers(down: str, left: str) -> None:
    assert {ask("test", east=down != "east", west=down != "west").chosen for _ in range(200)} == {left}


def test_all_records_answer_when_none_is_healthy() -> None:
    assert {ask("test", east=False, west=False).chosen for _ in range(200)} == {"us-east-1", "us-west-2"}


def test_a_record_without_a_check_is_always_healthy() -> None:
    records = tuple(attrs.evolve(each, check=None) if each.check == "east" else each for each in ZONE.records)
    found = {ask("test", zone=attrs.evolve(ZONE, records=records), east=False).chosen for _ in range(200)}
    assert found == {"us-east-1", "us-west-2"}


def test_a_cname_has_its_own_ttl_and_ends_the_answer_outside_the_zone() -> None:
    found = ask("test", west=False)
    assert said(found) == ["test.dr.org. 60 IN CNAME a.execute-api.us-east-1.amazonaws.com."]
    assert (found.code, found.authority) == (rcode.NOERROR, ())


def test_a_cname_within_the_zone_is_followed_by_what_it_leads_to() -> None:
    addresses = "host.dr.org. 20 IN A 10.0.0.1\nhost.dr.org. 20 IN A 10.0.0.2"
    assert said(ask("www")) == ["www.dr.org. 60 IN CNAME host.dr.org.", addresses]
    assert said(ask("www", "CNAME")) == ["www.dr.org. 60 IN CNAME host.dr.org."]
    assert ask("first").chosen == "first"


def test_an_alias_answers_in_its_own_name_with_its_targets_ttl() -> None:
    assert said(ask("same")) == ["same.dr.org. 20 IN A 10.0.0.1\nsame.dr.org. 20 IN A 10.0.0.2"]
    found = ask("api", west=False)
    assert said(found) == ["api.dr.org. 60 IN A 127.0.1.1"]
    assert "d-a.execute-api.us-east-1.amazonaws.com" in found.notes[0].to_text()


def test_an_alias_that_evaluates_its_target_is_as_healthy_as_that() -> None:
    alias = next(each for each in ZONE.records if each.name == "as-checked.dr.org.")
    assert healthy(ZONE, alias, UP)
    assert not healthy(ZONE, alias, {**UP, "east": False})
    assert healthy(ZONE, attrs.evolve(alias, evaluates=False), {**UP, "east": False})


@pytest.mark.parametrize(
    ("name", "kind", "code"),
    [
        ("nothing", "A", rcode.NXDOMAIN),
        ("host", "AAAA", rcode.NOERROR),
        ("api", "AAAA", rcode.NOERROR),
        ("api6", "AAAA", rcode.NOERROR),
        ("er", "TXT", rcode.NOERROR),  # nothing of its own, but a name below it
        ("lost", "A", rcode.NXDOMAIN),
        ("circle", "A", rcode.NOERROR),
    ],
)
def test_what_is_not_there_is_answered_with_the_soa(name: str, kind: str, code: rcode.Rcode) -> None:
    found = ask(name, kind)
    assert found.code == code
    assert [each.to_text() for each in found.authority] == [f"dr.org. 900 IN SOA {SOA}"]


def test_rejects_names_of_other_zones() -> None:
    for name in ("elsewhere.org", "notdr.org", "org"):
        found = answer(ZONE, name, "A", status=UP, random=RANDOM, address=lambda _: None)
        assert found == Answer(rcode.REFUSED)
