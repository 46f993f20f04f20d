"""The wheel, which the image installs: the service without the sandbox."""

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.postgres import free_port
from tests.processes import ROOT, Served, environment, until_the_end

SANDBOX = "paywall/sandbox/"
IMPORT_EVERYTHING = """
import importlib, pkgutil, paywall
print(paywall.__path__[0])
for module in pkgutil.walk_packages(paywall.__path__, "paywall."):
    if not module.name.startswith(("paywall.__main__", "paywall.database.migrations.")):
        importlib.import_module(module.name)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    _run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the wheel was installed to; its dependencies are this environment's."""
    target = tmp_path_factory.mktemp("installed")
    _run(
        Path(sys.executable).parent / "uv", "pip", "install", "--quiet", "--offline", "--no-deps",
        "--python", sys.executable, "--target", target, wheel,
    )  # fmt: skip
    return target


def test_the_wheel_has_every_file_of_the_service(wheel: Path) -> None:
    paths = (path for path in (ROOT / "paywall").rglob("*") if path.is_file())
    wanted = {path.relative_to(ROOT).as_posix() for path in paths if path.suffix != ".pyc"}
    wanted = {name for name in wanted if not name.startswith(SANDBOX)}
    assert {"paywall/settings.py", "paywall/web/script/gate.js"} <= wanted
    assert wanted - set(ZipFile(wheel).namelist()) == set()


def test_the_wheel_leaves_the_sandbox_out(wheel: Path) -> None:
    assert [name for name in ZipFile(wheel).namelist() if name.startswith(SANDBOX)] == []


def test_every_module_imports_without_the_sandbox(installed: Path, tmp_path: Path) -> None:
    variables = {**environment(), "PYTHONPATH": str(installed)}
    printed = _run(sys.executable, "-c", IMPORT_EVERYTHING, folder=tmp_path, variables=variables)
    assert printed.strip() == str(installed / "paywall")


def test_the_installed_command_migrates_checks_and_serves(installed: Path, tmp_path: Path) -> None:
    command = str(installed / "bin" / "paywall")
    variables = {**environment(), "PYTHONPATH": str(installed)}
    assert "serve" in _run(command, "--help", folder=tmp_path, variables=variables)
    _run(command, "migrate", folder=tmp_path, variables=variables)
    assert "All well." in _run(command, "doctor", folder=tmp_path, variables=variables)
    with until_the_end(Served([command, "serve"], tmp_path, free_port(), variables)) as served:
        offers = served.get("/v1/offers").json()
        assert [offers[kind] for kind in ("plans", "packs", "passes")] == [[], [], []]


def _run(*words: object, folder: Path = ROOT, variables: dict[str, str] | None = None) -> str:
    """What the command prints; it has to end with status 0."""
    ran = subprocess.run(
        [str(word) for word in words], cwd=folder, env=variables or environment(),
        check=False, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout
