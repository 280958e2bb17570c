import hashlib
import os
import platform
import sys
import zipfile
from pathlib import Path

from tests.tools.machine import LINUX, MakeProject, provider, terraform
from tools.steps import SetupError, bring_up_to_date
from tools.terraform import (
    ARCHITECTURES,
    PROVIDER,
    PROVIDER_VERSION,
    SHA256,
    find_mirror,
    fits,
    installation,
    provider_step,
    terraform_step,
)

import pytest

HERE = f"{sys.platform}_{ARCHITECTURES[platform.machine().lower()]}"


def release(directory: Path, version: str) -> tuple[str, dict[str, str]]:
    """Where a release of Terraform is published, and its published checksum."""
    published = directory / "1.11.4" / f"terraform_1.11.4_{HERE}.zip"
    published.parent.mkdir(parents=True)
    with zipfile.ZipFile(published, "w") as archive:
        archive.write(terraform(directory / "built", version), "terraform")
    return directory.as_uri(), {HERE: hashlib.sha256(published.read_bytes()).hexdigest()}


def packed_provider(mirror: Path) -> Path:
    held = mirror / PROVIDER / f"terraform-provider-aws_{PROVIDER_VERSION}_linux_amd64.zip"
    held.parent.mkdir(parents=True)
    held.touch()
    return mirror


@pytest.mark.parametrize("version", ["1.10.0", "1.11.4", "1.99.0"])
def test_versions_with_native_state_locks_fit(version: str) -> None:
    assert fits(version)


@pytest.mark.parametrize("version", ["1.9.8", "2.0.0", "1.12.0-beta1", "0.12.31", ""])
def test_rejects_versions_out_of_range(version: str) -> None:
    assert not fits(version)


def test_terraform_is_taken_from_path_when_its_version_fits(make_project: MakeProject, tmp_path: Path) -> None:
    program = terraform(tmp_path / "programs", "1.13.0")
    project = make_project(PATH=program.parent)
    found = bring_up_to_date(project, terraform_step(project))
    assert found == {"path": str(program), "platform": "linux_amd64", "note": "1.13.0 on PATH"}


def test_a_replaced_terraform_is_asked_again(make_project: MakeProject, tmp_path: Path) -> None:
    project = make_project(PATH=tmp_path / "programs")
    for version in ("1.13.0", "1.13.10"):
        terraform(tmp_path / "programs", version)
        assert bring_up_to_date(project, terraform_step(project))["note"] == f"{version} on PATH"


def test_a_terraform_fetched_earlier_stands_in_for_one_that_does_not_fit(
    make_project: MakeProject, tmp_path: Path
) -> None:
    project = make_project(PATH=terraform(tmp_path / "programs", "1.5.7").parent)
    fetched = terraform(project.tools / "bin", "1.11.4")
    assert bring_up_to_date(project, terraform_step(project, "file:///nowhere"))["path"] == str(fetched)


def test_set_ups_own_terraform_on_path_is_not_taken_for_the_users(make_project: MakeProject, tmp_path: Path) -> None:
    program = terraform(tmp_path / "programs", "1.13.0")
    project = make_project()
    own = terraform(project.tools / "bin", "1.11.4")
    activated = make_project(PATH=f"{own.parent}{os.pathsep}{program.parent}")
    assert bring_up_to_date(activated, terraform_step(activated))["path"] == str(program)


def test_the_pinned_terraform_is_fetched_and_runs(make_project: MakeProject, tmp_path: Path) -> None:
    project = make_project(PATH=terraform(tmp_path / "programs", "1.5.7").parent)
    found = bring_up_to_date(project, terraform_step(project, *release(tmp_path / "releases", "1.11.4")))
    assert found["note"] == "1.11.4 in .tools/bin"
    assert [path.name for path in (project.tools / "bin").iterdir()] == ["terraform"]


def test_rejects_a_terraform_with_another_checksum_than_published(make_project: MakeProject, tmp_path: Path) -> None:
    project = make_project(PATH=tmp_path)
    address, _ = release(tmp_path / "releases", "1.11.4")
    with pytest.raises(SetupError, match=r"was refused: its SHA-256 is [0-9a-f]{64}, not 00 as published\.$"):
        bring_up_to_date(project, terraform_step(project, address, {HERE: "00"}))
    assert list((project.tools / "bin").iterdir()) == []


def test_rejects_a_machine_where_terraform_is_neither_found_nor_fetched(
    make_project: MakeProject, tmp_path: Path
) -> None:
    for path, reason in (
        (tmp_path, "Terraform is not on PATH"),
        (tmp_path / "programs", r"terraform is 1\.5\.7, which does"),
    ):
        terraform(tmp_path / "programs", "1.5.7")
        project = make_project(PATH=path)
        with pytest.raises(
            SetupError, match=rf"{reason}.*cannot be fetched \(.*\): put Terraform >= 1\.10, < 2 on PATH\.$"
        ):
            bring_up_to_date(project, terraform_step(project, (tmp_path / "none").as_uri()))


def test_rejects_a_platform_without_a_pinned_release(make_project: MakeProject, tmp_path: Path) -> None:
    project = make_project(PATH=tmp_path)
    with pytest.raises(SetupError, match=rf"Terraform 1\.11\.4 is not fetched for {HERE}: put Terraform"):
        bring_up_to_date(project, terraform_step(project, "file:///nowhere", {}))


def test_rejects_a_fetched_terraform_that_does_not_run(make_project: MakeProject, tmp_path: Path) -> None:
    project = make_project(PATH=tmp_path)
    with pytest.raises(SetupError, match=r"was fetched, but it does not run on this machine: put Terraform"):
        bring_up_to_date(project, terraform_step(project, *release(tmp_path / "releases", "")))


def test_every_platform_of_the_project_has_a_checksum() -> None:
    assert sorted(SHA256) == ["darwin_amd64", "darwin_arm64", "linux_amd64", "linux_arm64"]
    assert {len(checksum) for checksum in SHA256.values()} == {64}


def test_a_mirror_is_looked_for_in_the_variable_then_at_home_then_in_shared_places_then_in_opt(
    make_project: MakeProject, tmp_path: Path, opt: Path
) -> None:
    assert find_mirror(make_project(), "linux_amd64", opt) is None
    places = [
        make_project().tools / "plugins",
        opt / "mirror",
        tmp_path / "home/Library/Application Support/io.terraform/plugins",
        tmp_path / "share/terraform/plugins",
        tmp_path / "home/.local/share/terraform/plugins",
        tmp_path / "home/.terraform.d/plugins",
    ]
    for place in places:
        assert find_mirror(make_project(), "linux_amd64", opt) != place
        provider(place)
        assert find_mirror(make_project(), "linux_amd64", opt) == place
    named = provider(tmp_path / "named")
    assert find_mirror(make_project(DR_PROVIDER_MIRROR=named), "linux_amd64", opt) == named


def test_a_mirror_for_another_platform_or_version_is_passed_over(make_project: MakeProject, opt: Path) -> None:
    provider(opt / "a", target="darwin_arm64")
    provider(opt / "b", version="5.99.0")
    (opt / "file").touch()
    assert find_mirror(make_project(), "linux_amd64", opt) is None
    assert find_mirror(make_project(), "linux_amd64", packed_provider(opt / "c").parent) == opt / "c"


def test_rejects_a_named_mirror_that_does_not_hold_the_provider(
    make_project: MakeProject, tmp_path: Path, opt: Path
) -> None:
    provider(opt / "mirror")
    project = make_project(DR_PROVIDER_MIRROR=tmp_path)
    with pytest.raises(SetupError, match=rf"^'DR_PROVIDER_MIRROR' must hold .* for linux_amd64, got: '{tmp_path}'$"):
        bring_up_to_date(project, provider_step(project, LINUX, opt))


def test_terraform_is_told_of_an_unpacked_mirror_and_is_not_run(make_project: MakeProject, opt: Path) -> None:
    mirror = provider(opt / "a mirror")
    project = make_project()
    bring_up_to_date(project, provider_step(project, {**LINUX, "path": "/no/terraform"}, opt))
    assert (project.tools / "terraform.rc").read_text() == installation(mirror)
    assert f'path    = "{mirror}"' in installation(mirror)


# What `terraform init` leaves in its plugin cache; which configuration it was given goes beside it.
UNPACK = (
    f'mkdir -p "$TF_PLUGIN_CACHE_DIR/{PROVIDER}/{PROVIDER_VERSION}/linux_amd64"; cat "$TF_CLI_CONFIG_FILE" > ../given'
)


def test_a_packed_provider_is_unpacked_once_for_all_stacks(
    make_project: MakeProject, tmp_path: Path, opt: Path
) -> None:
    packed = packed_provider(opt / "packed")
    project = make_project()
    program = terraform(tmp_path / "programs", "1.11.4", init=UNPACK)
    bring_up_to_date(project, provider_step(project, {**LINUX, "path": str(program)}, opt))
    assert (project.tools / "given").read_text() == installation(packed)
    assert (project.tools / "terraform.rc").read_text() == installation(project.tools / "plugins")


def test_without_a_mirror_the_provider_is_fetched_once_for_all_stacks(
    make_project: MakeProject, tmp_path: Path, opt: Path
) -> None:
    project = make_project(TF_CLI_CONFIG_FILE="/no/such/file", TF_DATA_DIR="/astray")
    init = f'test -z "$TF_CLI_CONFIG_FILE$TF_DATA_DIR" && {UNPACK.partition(";")[0]}'
    program = terraform(tmp_path / "programs", "1.11.4", init=init)
    bring_up_to_date(project, provider_step(project, {**LINUX, "path": str(program)}, opt))
    assert (project.tools / "terraform.rc").read_text() == installation(project.tools / "plugins")
    assert not (project.tools / "plugins.partial").exists()


def test_rejects_a_machine_where_the_provider_is_neither_found_nor_fetched(
    make_project: MakeProject, tmp_path: Path, opt: Path
) -> None:
    project = make_project()
    program = terraform(tmp_path / "programs", "1.11.4", init="echo no route to host >&2; exit 1")
    with pytest.raises(SetupError, match=r"(?s)no route to host\nThe AWS provider .* DR_PROVIDER_MIRROR"):
        bring_up_to_date(project, provider_step(project, {**LINUX, "path": str(program)}, opt))
    assert not (project.tools / "terraform.rc").exists()
