"""The command as `pip install .[cli]` gives it: what is in the wheel, and that it runs from anywhere."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from local.settings import ROOT


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as pip leaves it, with the note of where the command was installed from (PEP 610)."""
    folder = tmp_path_factory.mktemp("installed")
    (built,) = WheelBuilder(str(ROOT)).build(directory=str(folder / "dist"), versions=["standard"])
    site = folder / "site"
    with zipfile.ZipFile(built) as wheel:
        wheel.extractall(site)
    (info,) = site.glob("*.dist-info")
    (info / "direct_url.json").write_text(json.dumps({"url": ROOT.as_uri(), "dir_info": {}}), encoding="utf-8")
    return site


# In the wheel; pip puts what is in data/ into the environment's own folder.
DATA = Path("data") / "share" / "pigeonhole" / "samples"


def run(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(site)}
    return subprocess.run(
        [sys.executable, *arguments], env=environment, cwd=site, capture_output=True, text=True, timeout=60, check=False
    )


def test_the_wheel_holds_the_command_and_what_it_reads_and_nothing_else(installed: Path) -> None:
    files = {path.relative_to(installed) for path in installed.rglob("*") if path.is_file()}
    code = {path for path in files if path.suffix == ".py"}
    assert {path.parts[0] for path in code} == {"cli", "shared"}
    others = {path for path in files - code if not path.parts[0].endswith(".dist-info")}
    samples = ROOT / "local" / "samples" / "multi_label"
    expected = {DATA / path.relative_to(samples) for path in samples.rglob("*") if path.is_file()}
    assert {Path(*path.parts[1:]) for path in others} == expected
    metadata = next(installed.glob("*.dist-info/METADATA")).read_text(encoding="utf-8")
    assert "Provides-Extra: cli" in metadata
    entries = next(installed.glob("*.dist-info/entry_points.txt")).read_text(encoding="utf-8")
    assert "pigeonhole = cli.main:run" in entries


def test_it_runs_from_anywhere_and_knows_its_samples_and_where_it_came_from(installed: Path) -> None:
    helped = run(installed, "-c", "import sys; sys.argv = ['pigeonhole', '--help']; import cli.main; cli.main.run()")
    assert helped.returncode == 0, helped.stderr
    assert "Usage: pigeonhole" in helped.stdout
    (data,) = installed.glob("*.data/data")
    shutil.copytree(data, installed.parent, dirs_exist_ok=True)
    script = "import sysconfig; sysconfig.get_path = lambda _: sys.argv[1]\n"
    script = f"import sys\n{script}import cli.datasets, cli.target as t; print(cli.datasets.SAMPLES, t.ROOT, sep='\\n')"
    samples, root = run(installed, "-c", script, str(installed.parent)).stdout.splitlines()
    assert Path(samples) == installed.parent / DATA.relative_to("data")
    assert Path(root) == ROOT


def test_help_and_completion_import_nothing_that_only_a_command_needs(installed: Path) -> None:
    """Each of these takes longer to import than all of --help."""
    script = "import sys, cli.main; print(*sys.modules)"
    loaded = set(run(installed, "-c", script).stdout.split())
    assert not loaded & {"httpx", "azure.storage.blob", "azure.identity", "sklearn", "numpy", "pyarrow", "rich.console"}
