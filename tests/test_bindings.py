"""Loading only the bindings in use changes the time of a synthesis, and nothing else."""

import os
import subprocess
import sys
from pathlib import Path

from dr.bindings import PROVIDER, STOCK
from dr.settings import Settings, variable_of

import attrs
import pytest

ROOT = Path(__file__).resolve().parent.parent
NO_CONTEXT = ROOT / "package.json"  # any JSON without settings


def run(code: str, **environment: str) -> str:
    """Run Python in a process of its own, for bindings are loaded once a process."""
    settings = {variable_of(field.name) for field in attrs.fields(Settings)}
    kept = {name: value for name, value in os.environ.items() if name not in {STOCK, "NODE_OPTIONS", *settings}}
    done = subprocess.run(
        [sys.executable, "-W", "error::ImportWarning", "-c", code],
        cwd=ROOT,
        env=kept | {"DR_CONTEXT_FILE": str(NO_CONTEXT)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, byte by byte."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_output_is_byte_identical_with_all_bindings_loaded(tmp_path: Path) -> None:
    fast, stock = tmp_path / "fast", tmp_path / "stock"
    run("import main; main.main()", CDKTF_OUTDIR=str(fast))
    run("import main; main.main()", CDKTF_OUTDIR=str(stock), **{STOCK: "1"})
    assert len(contents(fast)) >= 6
    assert contents(stock) == contents(fast)


def test_output_is_byte_identical_in_another_folder(tmp_path: Path, app: Path) -> None:
    run("import main; main.main()", CDKTF_OUTDIR=str(tmp_path / "again"))
    assert contents(tmp_path / "again") == contents(app)


def test_only_services_in_use_are_loaded() -> None:
    loaded = int(run(f"import sys, main; print(sum(m.startswith({PROVIDER!r} + '.') for m in sys.modules))"))
    assert 30 < loaded < 200


def test_node_loads_only_the_services_in_use(tmp_path: Path) -> None:
    script = tmp_path / "count.cjs"
    script.write_text(
        "process.on('exit', () => console.log(Object.keys(require.cache)"
        ".filter((file) => /provider-aws.*[/]lib[/][^/]+[/]index[.]js$/.test(file)).length));"
    )
    code = (
        f"import dr.node, cdktf; from {PROVIDER} import vpc, kms_key\n"
        "stack = cdktf.TerraformStack(cdktf.App(), 'stack'); vpc.Vpc(stack, 'vpc'); kms_key.KmsKey(stack, 'key')"
    )
    assert int(run(code, NODE_OPTIONS=f"--require={script}")) == 2


@pytest.mark.parametrize("statement", ["import dr.bindings", "import dr; import cdktf"])
def test_order_of_imports_is_silent_where_it_is_right(statement: str) -> None:
    assert run(statement) == ""


def test_rejects_cdktf_imported_first_where_warnings_are_errors() -> None:
    code = "import cdktf\ntry:\n    import dr\nexcept ImportWarning as warning:\n    print(warning)"
    assert run(code) == "import dr before cdktf: node has started and loads all bindings"


def test_a_service_that_does_not_exist_is_an_attribute_error() -> None:
    code = f"import dr, {PROVIDER} as aws; print(hasattr(aws, 'kms_key'), hasattr(aws, 'no_such_service'))"
    assert run(code) == "True False"


def test_a_value_of_the_wrong_type_is_refused_by_the_name_of_its_argument() -> None:
    code = (
        f"import dr, cdktf; from {PROVIDER}.vpc import Vpc; stack = cdktf.TerraformStack(cdktf.App(), 'stack')\n"
        "try:\n    Vpc(stack, 'vpc', cidr_block=[1])\nexcept Exception as error:\n    print(error)"
    )
    assert "cidrBlock" in run(code)


@pytest.mark.slow
def test_bytecode_without_checks_is_never_taken_for_that_with_them() -> None:
    wrong = "try:\n    cdktf.TerraformStack(1, 'a')\nexcept Exception as error:\n    print(type(error).__name__)"
    assert run(f"import dr, cdktf\n{wrong}") == "RuntimeError"
    assert run(f"import cdktf\n{wrong}") == "TypeError"
    assert run(f"import dr, cdktf\n{wrong}") == "RuntimeError"


def test_what_checks_types_is_not_loaded() -> None:
    code = f"import sys, dr, cdktf\nfrom {PROVIDER}.vpc import Vpc\nprint('typeguard' in sys.modules)"
    assert run(code) == "False"


def test_what_node_prints_is_printed(tmp_path: Path) -> None:
    script = tmp_path / "prints.cjs"
    script.write_text("process.on('exit', () => { console.log('from node'); console.error('and its errors'); });")
    assert run("import dr, cdktf", NODE_OPTIONS=f"--require={script}") == "from node"


# A value of every kind that resolves to another, beside some that only look so.
VALUES = """
import dr.node, json
from cdktf import App, Fn, TerraformLocal, TerraformOutput, TerraformStack, TerraformVariable
app = App()
stack = TerraformStack(app, "stack")
variable = TerraformVariable(stack, "variable")
other = TerraformLocal(TerraformStack(app, "other"), "local", {"a": 1})
values = {
    "string": variable.string_value, "within": f"a-{variable.string_value}", "number": variable.number_value,
    "number within": f"{variable.number_value} of 3", "numbers": [variable.number_value], "list": variable.list_value,
    "plain": "${a.b}", "negative": -1.5, "exponent": "-1e-5 and 1.e+9",
    "any": variable, "function": Fn.merge([{"a": variable.string_value}, {"b": None}]), "empty": [[], {}, "", None, 0],
    "json": Fn.jsonencode({"a": [variable.string_value]}), variable.string_value: {"deep": [{"deeper": [variable]}]},
    "escaped": f"${{a}} and {variable.string_value}", "elsewhere": other.expression, "Token": "Map Token Value",
}
for name, value in values.items():
    TerraformOutput(stack, f"output-{len(stack.node.children)}", value=value, description=name)
TerraformOutput(stack, "all", value=values, sensitive=True)
app.synth()
"""


@pytest.mark.slow
def test_every_kind_of_value_resolves_to_the_same(tmp_path: Path) -> None:
    fast, stock = tmp_path / "fast", tmp_path / "stock"
    run(VALUES, CDKTF_OUTDIR=str(fast))
    run(VALUES, CDKTF_OUTDIR=str(stock), **{STOCK: "1"})
    written = contents(stock)
    assert b"var.variable" in written["stacks/stack/cdk.tf.json"]
    assert contents(fast) == written


@pytest.mark.parametrize("arguments", ["['node', '{script}']", "['node', '--print', '1 + 1']"], ids=["script", "text"])
def test_another_node_that_is_started_from_python_works_as_ever(arguments: str, tmp_path: Path) -> None:
    script = tmp_path / "two.cjs"
    script.write_text("#!/usr/bin/env node\nimport('node:path').then(() => console.log(1 + 1));\n")
    code = f"import dr, subprocess; print(subprocess.check_output({arguments.format(script=script)}, text=True))"
    assert run(code) == "2"


def damaged(cache: bytes) -> bytes:
    """A code cache that V8 takes and ends at, in a file that is well otherwise."""
    spoil = (
        "const { deserialize, serialize } = require('node:v8'), fs = require('node:fs'), file = fs.readFileSync(0);"
        "const kept = deserialize(file.subarray(20));"
        "for (const code of Object.values(kept)) for (let at = 2000; at < code.length; at += 97) code[at] ^= 255;"
        "fs.writeSync(1, Buffer.concat([file.subarray(0, 20), serialize(kept)]));"
    )
    environment = {name: value for name, value in os.environ.items() if name != "NODE_OPTIONS"}
    return subprocess.run(
        ["node", "-e", spoil], input=cache, env=environment, stdout=subprocess.PIPE, check=True
    ).stdout


def test_what_v8_compiled_is_kept_anew_where_it_cannot_be_read() -> None:
    code = "import dr.node, cdktf\nprint(cdktf.TerraformStack(cdktf.App(), 'stack').node.id)"
    run(code)
    version = subprocess.check_output(["node", "-p", "process.version + '-' + process.arch"], text=True).strip()
    cache = ROOT / f"dr/__pycache__/node-{version}.cache"
    # One after the other: all processes of the machine share the file.
    for broken in (damaged(cache.read_bytes()), b""):
        cache.write_bytes(broken)
        assert run(code) == "stack"
        assert cache.read_bytes() != broken
        assert cache.stat().st_size > 10**5
