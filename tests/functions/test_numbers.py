"""Clinical numbers come back digit by digit as they were sent, whatever way a record takes."""

from __future__ import annotations

import json
import math
from typing import Any

from tests.functions.gateway import Api, Reply
from tests.functions.test_bad_input import QUICK
from tests.functions.test_records import RECORD

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

number = st.from_regex(r"-?(0|[1-9][0-9]{0,40})(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)
finite = number.filter(lambda text: math.isfinite(float(text)))


def body(*numbers: str) -> bytes:
    fields = json.dumps({**RECORD, "content": None})
    content = f'{{"doses": [{", ".join(numbers)}], "first": {numbers[0]}}}'
    return fields.replace("null", content).encode()


def texts(reply: Reply) -> Any:
    """The answer, whose numbers are the texts that stand in it."""
    assert reply.status in (200, 201), reply

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(reply.body, parse_float=str, parse_int=str, parse_constant=refuse)


@settings(QUICK, max_examples=15)  # of six requests each
@given(numbers=st.lists(finite, min_size=1, max_size=4), changed=finite)
@example(numbers=["0.12345678901234567890", "12345678901234567890.5", "5.10", "-0", "1E2", "1e-400"], changed="1.0")
def test_a_number_comes_back_as_it_was_sent(api: Api, other: Api, numbers: list[str], changed: str) -> None:
    content = {"doses": numbers, "first": numbers[0]}
    created = api("POST", "/patients/P-numbers/records", body(*numbers))
    path, tag = created.headers["Location"], created.headers["ETag"]
    assert texts(created)["content"] == texts(other("GET", path))["content"] == content
    assert content in [record["content"] for record in texts(api("GET", f"{path}/history"))["versions"]]
    updated = api("PUT", path, body(changed, *numbers), headers={"if-match": tag})
    content = {"doses": [changed, *numbers], "first": changed}
    assert texts(updated)["content"] == texts(other("GET", path))["content"] == content


def test_numbers_are_listed_as_they_were_sent(api: Api, patient: str) -> None:
    sent = ["0.12345678901234567890", "5.10"]
    facility = body(*sent).replace(b"ward-7", patient.encode())
    assert api("POST", f"/patients/{patient}/records", facility).status == 201
    for path in (f"/patients/{patient}/records", f"/facilities/{patient}/records"):
        [record] = texts(api("GET", path))["records"]
        assert record["content"] == {"doses": sent, "first": sent[0]}


@pytest.mark.parametrize(
    "text", ["NaN", "Infinity", "-Infinity", "1e400", "-1e309", "9" * 5_000, "1e99999999999999999999"]
)
def test_rejects_a_number_that_is_not_finite(api: Api, patient: str, text: str) -> None:
    assert api("POST", f"/patients/{patient}/records", body("1", text)).status == 400
    assert texts(api("GET", f"/patients/{patient}/records"))["records"] == []
