"""The zip of the plug-in holds what WordPress needs, and no more."""

import io
from pathlib import Path
from zipfile import ZipFile

from click.testing import CliRunner

from paywall.cli.main import main
from tests.processes import ROOT

PLUGIN = ROOT / "paywall" / "wordpress" / "plugin"


def _package(folder: Path) -> Path:
    output = folder / "plugin.zip"
    ran = CliRunner().invoke(main, ["wordpress", "package", "--output", str(output)])
    assert ran.exit_code == 0, ran.output
    assert str(output) in ran.output
    return output


def test_the_zip_has_every_file_under_the_plug_ins_folder(tmp_path: Path) -> None:
    sources = {
        f"paywall/{path.relative_to(PLUGIN).as_posix()}": path.read_bytes()
        for path in PLUGIN.rglob("*")
        if path.is_file()
    }
    assert "paywall/paywall.php" in sources
    with ZipFile(_package(tmp_path)) as archive:
        packed = {name: archive.read(name) for name in archive.namelist()}
    compiled = {name for name in packed if name.endswith(".mo")}
    assert {name: packed[name] for name in packed.keys() - compiled} == sources
    assert compiled == {f"{name[:-3]}.mo" for name in sources if name.endswith(".po")}


def test_the_same_sources_make_the_same_zip(tmp_path: Path) -> None:
    first = _package(tmp_path).read_bytes()
    assert _package(tmp_path).read_bytes() == first
    assert ZipFile(io.BytesIO(first)).testzip() is None


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "no" / "plugin.zip"
    ran = CliRunner().invoke(main, ["wordpress", "package", "--output", str(missing)])
    assert ran.exit_code == 2
    assert str(missing) in ran.output
