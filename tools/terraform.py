"""Terraform and its AWS provider: found on this machine where possible, else fetched and verified."""

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import urllib.request
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from tools.steps import Project, SetupError, Step, identity, run

OLDEST, BELOW = (1, 10, 0), (2, 0, 0)  # 1.10 brought S3 state locks without a table
PINNED = "1.11.4"
RELEASES = "https://releases.hashicorp.com/terraform"
SHA256 = {
    "darwin_amd64": "a56d5002b9f7647291faccc3dd1a70350e60fb61e4c45037629508b8fdc2575b",
    "darwin_arm64": "867e0808fa971217043e25b7a792b10720c79b1546f8a68479b74f138be73e18",
    "linux_amd64": "1ce994251c00281d6845f0f268637ba50c0005657eb3cf096b92f753b42ef4dc",
    "linux_arm64": "a43d1d0da9b9bab214a8305a39db0e40869572594ccf50c416a7756499143633",
}
ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
FITS = ">= 1.10, < 2"

PROVIDER = "registry.terraform.io/hashicorp/aws"
PROVIDER_VERSION = "5.100.0"  # the one that the pinned bindings were made from and ask for
# What would lead the one `terraform init` of the set-up astray.
DISTRACTIONS = ("TF_CLI_ARGS", "TF_CLI_ARGS_init", "TF_DATA_DIR", "TF_WORKSPACE", "TF_PLUGIN_CACHE_DIR")


def terraform_step(project: Project, releases: str = RELEASES, checksums: Mapping[str, str] = SHA256) -> Step:
    """A Terraform that fits: from PATH, else fetched earlier, else the pinned release."""
    own = project.tools / "bin" / "terraform"
    directories = project.environ.get("PATH", os.defpath).split(os.pathsep)
    others = os.pathsep.join(directory for directory in directories if directory and Path(directory) != own.parent)
    on_path = shutil.which("terraform", path=others)

    def build(again: bool) -> dict[str, str]:
        unfit = ""
        if on_path:
            version, target = ask_version(project, Path(on_path))
            if fits(version):
                return {"path": on_path, "platform": target, "note": f"{version} on PATH"}
            unfit = f"{on_path} is {version or 'not to be run'}, which does not fit ({FITS}), and "
        if not own.exists() or not fits(ask_version(project, own)[0]):
            download(own, unfit, releases, checksums)
        version, target = ask_version(project, own)
        if not fits(version):
            raise SetupError(f"{own} was fetched, but it does not run on this machine: put Terraform {FITS} on PATH.")
        return {"path": str(own), "platform": target, "note": f"{version} in .tools/bin"}

    inputs = [identity(Path(on_path)) if on_path else None, PINNED, FITS]
    return Step(name="terraform", title="Terraform", inputs=inputs, build=build)


def ask_version(project: Project, terraform: Path) -> tuple[str, str]:
    """The program's version and platform; empty where it does not say."""
    env = {**project.environ, **project.quiet, "TF_CLI_CONFIG_FILE": os.devnull}
    try:
        asked = [str(terraform), "version", "-json"]
        said = subprocess.run(asked, env=env, cwd=project.root, capture_output=True, text=True)
        about = json.loads(said.stdout[said.stdout.index("{") :])  # warnings may come first
    except (OSError, ValueError):
        return "", ""
    return str(about.get("terraform_version", "")), str(about.get("platform", ""))


def fits(version: str) -> bool:
    """The version is a release in the range that this project works with."""
    numbers = re.fullmatch(r"(\d+)\.(\d+)\.(\d+)", version)
    return numbers is not None and OLDEST <= tuple(map(int, numbers.groups())) < BELOW


def download(target: Path, unfit: str, releases: str, checksums: Mapping[str, str]) -> None:
    """The pinned Terraform is at `target`, its archive verified before anything is unpacked.

    Raises:
        SetupError: there is none for this machine, it cannot be fetched, or it is not what was published.
    """
    machine = f"{sys.platform}_{ARCHITECTURES.get(platform.machine().lower(), platform.machine())}"
    if machine not in checksums:
        raise SetupError(f"{unfit}Terraform {PINNED} is not fetched for {machine}: put Terraform {FITS} on PATH.")
    address = f"{releases}/{PINNED}/terraform_{PINNED}_{machine}.zip"
    target.parent.mkdir(parents=True, exist_ok=True)
    archive, unpacked = target.with_name("terraform.zip"), target.with_name("terraform.partial")
    try:
        fetch(address, archive)
    except OSError as error:
        unfit = unfit or "Terraform is not on PATH, and "
        raise SetupError(f"{unfit}{address} cannot be fetched ({error}): put Terraform {FITS} on PATH.") from error
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != checksums[machine]:
        archive.unlink()
        raise SetupError(f"{address} was refused: its SHA-256 is {found}, not {checksums[machine]} as published.")
    with zipfile.ZipFile(archive) as members, unpacked.open("wb") as program:
        shutil.copyfileobj(members.open("terraform"), program)
    unpacked.chmod(0o755)
    unpacked.replace(target)
    archive.unlink()


def fetch(address: str, target: Path) -> None:
    """The file at the address is at `target`.

    Raises:
        OSError: it cannot be fetched.
    """
    try:
        with urllib.request.urlopen(address, timeout=60) as source, target.open("wb") as sink:  # noqa: S310 - our own address
            shutil.copyfileobj(source, sink)
    except OSError:
        # A Python from python.org on macOS comes without certificates; curl has the system's.
        if not shutil.which("curl") or subprocess.run(["curl", "-fsL", "-o", target, address]).returncode != 0:
            raise


def provider_step(project: Project, terraform: Mapping[str, str], opt: Path = Path("/opt")) -> Step:
    """Terraform installs the AWS provider from an unpacked directory: by a link, at once, without the network.

    Where the provider is found packed, or has to come from the network, one `terraform init` unpacks it into
    `.tools/plugins` for all stacks. `.tools/terraform.rc` names the directory. A configuration file of the user's own
    is left to decide by itself.
    """
    named = project.environ.get("DR_PROVIDER_MIRROR", "")
    config = project.user_terraform_config
    target = terraform["platform"]

    def build(again: bool) -> dict[str, str]:
        if config:
            return {"path": str(config), "note": "left to your TF_CLI_CONFIG_FILE"}
        mirror = find_mirror(project, target, opt)
        if mirror is None or not unpacked_provider(mirror, target).is_dir():
            mirror = unpack(project, terraform, mirror)
        (project.tools / "terraform.rc").write_text(installation(mirror))
        return {"path": str(unpacked_provider(mirror, target)), "note": f"{PROVIDER_VERSION} in {mirror}"}

    inputs = [PROVIDER_VERSION, target, named, str(config)]
    return Step(name="provider", title="AWS provider", inputs=inputs, build=build)


def find_mirror(project: Project, target: str, opt: Path) -> Path | None:
    """The first directory that holds the provider for this platform: the named one, else a usual one, else none.

    Raises:
        SetupError: DR_PROVIDER_MIRROR names a directory that does not hold it.
    """
    named = project.environ.get("DR_PROVIDER_MIRROR", "")
    if named:
        mirror = Path(named).expanduser().absolute()
        if holds_provider(mirror, target):
            return mirror
        raise SetupError(f"'DR_PROVIDER_MIRROR' must hold {PROVIDER} {PROVIDER_VERSION} for {target}, got: '{named}'")
    candidates = [*plugin_directories(project.environ), *sorted(opt.glob("*")), project.tools / "plugins"]
    return next((directory for directory in candidates if holds_provider(directory, target)), None)


def plugin_directories(environ: Mapping[str, str]) -> Iterator[Path]:
    """Where Terraform itself looks for providers, on Linux and on macOS."""
    home = Path(environ["HOME"]) if environ.get("HOME") else Path.home()
    yield home / ".terraform.d" / "plugins"
    yield Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share") / "terraform" / "plugins"
    for shared in (environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share").split(os.pathsep):
        yield Path(shared) / "terraform" / "plugins"
    for library in (home / "Library", Path("/Library")):
        yield library / "Application Support" / "io.terraform" / "plugins"


def unpacked_provider(mirror: Path, target: str) -> Path:
    """Where a mirror keeps the provider if it keeps it unpacked."""
    return mirror / PROVIDER / PROVIDER_VERSION / target


def holds_provider(mirror: Path, target: str) -> bool:
    """The directory holds the provider for this platform, unpacked or packed."""
    packed = mirror / PROVIDER / f"terraform-provider-aws_{PROVIDER_VERSION}_{target}.zip"
    return packed.is_file() or any(unpacked_provider(mirror, target).glob("terraform-provider-aws*"))


def unpack(project: Project, terraform: Mapping[str, str], packed: Path | None) -> Path:
    """The provider is unpacked in `.tools/plugins`, from a packed mirror or else from where Terraform finds it.

    Raises:
        SetupError: it can be had from nowhere.
    """
    plugins, partial, work = (project.tools / name for name in ("plugins", "plugins.partial", "plugins.work"))
    for leftover in (partial, work):
        shutil.rmtree(leftover, ignore_errors=True)
        leftover.mkdir(parents=True)
    needs = {"terraform": {"required_providers": {"aws": {"source": "hashicorp/aws", "version": PROVIDER_VERSION}}}}
    (work / "main.tf.json").write_text(json.dumps(needs))
    env = {name: value for name, value in project.environ.items() if name not in DISTRACTIONS} | project.quiet
    env["TF_PLUGIN_CACHE_DIR"] = str(partial)
    env.pop("TF_CLI_CONFIG_FILE", None)  # it names no file, or set-up's own of another time
    if packed:
        (work / "terraform.rc").write_text(installation(packed))
        env["TF_CLI_CONFIG_FILE"] = str(work / "terraform.rc")
    failure = (
        f"The AWS provider {PROVIDER_VERSION} is in no plugin directory and cannot be fetched: connect to the network, "
        f"or let DR_PROVIDER_MIRROR name a directory that holds {PROVIDER}."
    )
    run([terraform["path"], "init", "-input=false", "-no-color"], failure, cwd=work, env=env)
    shutil.rmtree(plugins, ignore_errors=True)
    partial.rename(plugins)
    shutil.rmtree(work)
    return plugins


def installation(mirror: Path) -> str:
    """A Terraform CLI configuration: the AWS provider from the mirror, any other from its registry."""
    return f"""\
disable_checkpoint = true
provider_installation {{
  filesystem_mirror {{
    path    = {json.dumps(str(mirror), ensure_ascii=False)}
    include = ["{PROVIDER}"]
  }}
  direct {{
    exclude = ["{PROVIDER}"]
  }}
}}
"""
