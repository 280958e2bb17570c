"""Node is asked for objects ahead of its answers, and what it refuses is told all the same."""

import json

from dr.node import AHEAD
from tests.test_bindings import run

import pytest

START = """
import dr.node, cdktf, jsii
from cdktf_cdktf_provider_aws.vpc import Vpc
stack = cdktf.TerraformStack(cdktf.App(), "stack")
jsii.get(stack, "node")  # all answers are read
"""
# The second line of what follows is refused.
REFUSED = """
made = 0
try:
    Vpc(stack, "refused", cidr_block=[1])
    for place in range(100):
        Vpc(stack, f"vpc{place}"); made += 1
except RuntimeError as error:
"""


def test_what_is_refused_is_told_where_it_was_made_and_before_much_more_is() -> None:
    made, message, note = json.loads(
        run(f"{START}{REFUSED}    import json; print(json.dumps([made, str(error), *error.__notes__]))")
    )
    assert made < AHEAD
    assert "cidrBlock" in message
    assert note.endswith("<string>:9")


def test_what_is_refused_last_is_told_by_the_next_question() -> None:
    code = (
        "Vpc(stack, 'refused', cidr_block=[1])\ntry:\n    stack.node\nexcept RuntimeError as error:\n    print(error)"
    )
    assert "cidrBlock" in run(START + code)


def test_nothing_is_made_after_what_is_refused() -> None:
    again = "try:\n    stack.node\nexcept RuntimeError as error:\n    print(error)"
    assert "nothing more can be made" in run(f"{START}{REFUSED}    pass\n{again}")


def test_answers_for_another_object_are_refused() -> None:
    wrong = "jsii.kernel.provider._process._number += 1\nVpc(stack, 'vpc')\n"
    code = f"{wrong}try:\n    stack.node\nexcept RuntimeError as error:\n    print(error)"
    assert "node must answer 'aws.vpc.Vpc@" in run(START + code).replace("@cdktf/provider-", "")


def test_objects_have_the_names_that_node_gives_them() -> None:
    # Node numbers what it tells of by itself as well: here every seventh node.
    code = (
        "vpcs = []\n"
        "for place in range(40):\n"
        "    vpcs.append(Vpc(stack, f'vpc{place}', tags={'Name': str(place)}))\n"
        "    place % 7 or vpcs[-1].node\n"
        "print([jsii.get(vpc, 'friendlyUniqueId') for vpc in vpcs] == [f'vpc{place}' for place in range(40)])"
    )
    assert run(START + code) == "True"


def test_an_attribute_has_a_name_before_node_has_its_token() -> None:
    code = (
        "import json\n"
        "vpc = Vpc(stack, 'vpc')\n"
        "unread = len(jsii.kernel.provider._process._unread)\n"
        "policy = json.dumps({'Resource': [f'{vpc.arn}/*', vpc.id]})\n"
        "assert len(jsii.kernel.provider._process._unread) == unread + 2\n"
        "Vpc(stack, 'other', tags={'policy': policy, vpc.id: 'key'})\n"
        "print(cdktf.Token.is_unresolved(vpc.arn), vpc.arn == vpc.arn, cdktf.Testing.synth(stack))"
    )
    unresolved, equal, written = run(START + code).split(maxsplit=2)
    assert (unresolved, equal) == ("True", "True")
    assert json.loads(written)["resource"]["aws_vpc"]["other"]["tags"] == {
        "policy": '{"Resource": ["${aws_vpc.vpc.arn}/*", "${aws_vpc.vpc.id}"]}',
        "${aws_vpc.vpc.id}": "key",
    }


def test_what_is_no_text_is_asked_of_node() -> None:
    code = (
        "from cdktf_cdktf_provider_aws.identitystore_user import IdentitystoreUser\n"
        "names = {'given_name': 'd', 'family_name': 'e'}\n"
        "user = IdentitystoreUser(stack, 'user', display_name='a', identity_store_id='b', user_name='c', name=names)\n"
        "print(user.name.given_name_input)"
    )
    assert run(START + code) == "d"


def test_answers_that_fill_the_pipe_are_read_while_more_is_asked() -> None:
    code = (
        "try:\n"
        "    for place in range(15):\n"
        "        Vpc(stack, f'vpc{place}', cidr_block=['x' * 200] * 400)\n"
        "    stack.node\n"
        "except RuntimeError as error:\n"
        "    print('cidrBlock' in str(error))"
    )
    assert run(START + code) == "True"


def test_an_object_that_cannot_be_written_is_none_of_nodes() -> None:
    code = (
        "from datetime import datetime\n"
        "try:\n    Vpc(stack, 'wrong', tags={'at': datetime.now()})\nexcept TypeError as error:\n    print('refused')\n"
        "Vpc(stack, 'right')\nprint(stack.node.id)"
    )
    assert run(START + code).split() == ["refused", "stack"]


def test_what_is_refused_last_is_told_at_the_end() -> None:
    code = (
        "node = jsii.kernel.provider._process\nVpc(stack, 'refused', cidr_block=[1])\n"
        "try:\n    node.stop()\nexcept RuntimeError as error:\n    print(error, node._process.returncode)"
    )
    said = run(START + code)
    assert "cidrBlock" in said
    assert said.endswith(" 0")


@pytest.mark.parametrize("seen", ["", "node.wait()"], ids=["while-it-is-asked", "before-it-is-asked"])
@pytest.mark.parametrize("asked", ["stack.node.id", "Vpc(stack, 'vpc'); stack.node.id"], ids=["got", "made"])
def test_a_node_that_ends_is_told_of_with_its_exit_code(seen: str, asked: str) -> None:
    code = (
        f"node = jsii.kernel.provider._process._process\nnode.kill()\n{seen}\n"
        f"try:\n    {asked}\nexcept RuntimeError as error:\n    print(error)"
    )
    assert run(START + code) == "node ended with exit code -9 before it had answered"


def test_an_attribute_that_is_no_token_is_refused() -> None:
    code = (
        "dr.node.ATTRIBUTES.add('terraformResourceType')\n"
        "jsii.get(Vpc(stack, 'vpc'), 'terraformResourceType')\n"
        "try:\n    stack.node\nexcept Exception as error:\n    print(error, *error.__notes__)"
    )
    answer = run(START + code)
    assert "must answer 'a token'" in answer
    assert answer.endswith("for what was asked at <string>:7")


def test_node_calls_what_python_overrides() -> None:
    code = (
        "import constructs\n"
        "class Parent(constructs.Construct):\n"
        "    @property\n"
        "    def node(self):\n"
        "        print('called')\n"
        "        return super().node\n"
        "jsii.get(Vpc(Parent(stack, 'parent'), 'vpc'), 'friendlyUniqueId')"
    )
    assert "called" in run(START + code)


@pytest.mark.parametrize("value", ["", "1"])
def test_the_stock_bindings_wait_for_each_answer(value: str) -> None:
    code = "import dr.node, jsii\nprint(type(jsii.kernel.provider._process).__name__)"
    assert run(code, DR_ALL_BINDINGS=value) == ("_NodeProcess" if value else "Pipelined")
