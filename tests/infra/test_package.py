"""The package: exactly the allow-list, and it works in an environment that holds nothing but requirements.txt."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.infra.bicep import ROOT
from tests.infra.code import functions
from tests.infra.deployed import deployed_settings
from tools.package import FILES, FOLDERS, PackageError, archive, shipped_files, stage

LOCAL_ONLY = (
    "cli",
    "local",
    "emulators",
    "azurite_process",
    "functions_host",
    "language_emulator",
    "tests",
    "bench",
    "tools",
    "infra",
)

INDEX = """
import json, sys
sys.path.insert(0, sys.argv[1])
import function_app, functions, shared
names = [each.get_function_name() for each in function_app.app.get_functions()]
places = [functions.__file__, shared.__file__, function_app.__file__]
loaded = sorted({name.partition(".")[0] for name in sys.modules})
print(json.dumps({"names": names, "places": places, "loaded": loaded}))
"""


@pytest.fixture(scope="session")
def staged() -> Path:
    stage(ROOT)
    return ROOT / "build" / "package"


@pytest.fixture(scope="session")
def clean_python() -> Path:
    """Python in an environment with only requirements.txt; kept below build/ until the lock file changes."""
    lock = (ROOT / "requirements.txt").read_bytes()
    name = hashlib.sha256(lock + sys.version.encode()).hexdigest()[:16]
    folder = ROOT / "build" / "clean" / name
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", "--without-pip", str(folder)], check=True)
        pip = [sys.executable, "-m", "pip", "--python", str(python), "--quiet", "--disable-pip-version-check"]
        options = ["--no-compile", "--require-hashes", "-r", str(ROOT / "requirements.txt")]
        subprocess.run([*pip, "install", *options], check=True, capture_output=True)
        (folder / "complete").touch()
    return python


def index(python: Path, folder: Path, settings: dict[str, str]) -> subprocess.CompletedProcess[str]:
    # -I: neither the current folder nor the developer's environment is on the path. -B: the stage stays as it is.
    command = [str(python), "-I", "-B", "-c", INDEX, str(folder)]
    environment = {"PATH": os.environ["PATH"], **settings}
    return subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, check=False)


def test_the_staged_package_indexes_every_function_with_nothing_else_installed(
    clean_python: Path, staged: Path
) -> None:
    run = index(clean_python, staged, deployed_settings())
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    assert sorted(found["names"]) == sorted(functions())
    assert all(Path(place).is_relative_to(staged) for place in found["places"]), found["places"]
    assert set(LOCAL_ONLY).isdisjoint(found["loaded"])


def test_a_start_without_settings_names_every_missing_one(clean_python: Path, staged: Path) -> None:
    run = index(clean_python, staged, {})
    assert run.returncode != 0
    for name in ("DOCUMENTS_CONTAINER", "EVENTS_QUEUE", "LANGUAGE_ENDPOINT", "DATA_STORAGE__blobServiceUri"):
        assert name in run.stderr


def test_the_package_holds_the_allow_list_and_nothing_else(staged: Path) -> None:
    assert {path.name for path in staged.iterdir()} == set(FILES) | set(FOLDERS)
    suffixes = {path.suffix for path in staged.rglob("*") if path.is_file()}
    assert suffixes <= {".py", ".json", ".txt", ".html", ".css", ".js", ".svg"}
    assert not list(staged.rglob("__pycache__"))
    assert not list(staged.rglob("local.settings*.json"))


def test_nothing_shipped_imports_what_stays_here(staged: Path) -> None:
    pattern = re.compile(rf"^\s*(?:from|import) ({'|'.join(LOCAL_ONLY)})\b", re.MULTILINE)
    for path in staged.rglob("*.py"):
        assert not pattern.search(path.read_text(encoding="utf-8")), path


def make_tree(root: Path) -> Path:
    for name in FILES:
        (root / name).write_text("x", encoding="utf-8")
    for name in FOLDERS:
        (root / name).mkdir()
        (root / name / "__init__.py").touch()
    return root


def test_an_unknown_file_in_a_shipped_folder_stops_the_staging(tmp_path: Path) -> None:
    root = make_tree(tmp_path)
    (root / "shared" / "notes.docx").touch()
    with pytest.raises(PackageError, match=r"shared/notes\.docx"):
        stage(root)


def test_a_link_in_a_shipped_folder_stops_the_staging(tmp_path: Path) -> None:
    root = make_tree(tmp_path)
    (root / "shared" / "linked.py").symlink_to(root / "function_app.py")
    with pytest.raises(PackageError, match=r"linked\.py"):
        stage(root)


def test_a_missing_part_is_named(tmp_path: Path) -> None:
    root = make_tree(tmp_path)
    (root / "host.json").unlink()
    with pytest.raises(PackageError, match=r"host\.json"):
        shipped_files(root)


def test_caches_are_left_out_and_old_files_are_gone(tmp_path: Path) -> None:
    root = make_tree(tmp_path)
    (root / "shared" / "__pycache__").mkdir()
    (root / "shared" / "__pycache__" / "a.pyc").touch()
    (root / "build" / "package" / "old").mkdir(parents=True)
    assert [path.as_posix() for path in stage(root)] == [
        "function_app.py",
        "functions/__init__.py",
        "host.json",
        "requirements.txt",
        "shared/__init__.py",
    ]
    assert not (root / "build" / "package" / "old").exists()


def test_the_same_files_make_the_same_archive(tmp_path: Path) -> None:
    root = make_tree(tmp_path)
    first = archive(root, stage(root)).read_bytes()
    os.utime(root / "host.json", (1, 1))
    second = archive(root, stage(root))
    assert second.read_bytes() == first
    with zipfile.ZipFile(second) as bundle:
        assert "shared/__init__.py" in bundle.namelist()


def ignored(name: str) -> bool:
    """As Core Tools reads .funcignore: a pattern is anchored at the start and ends at a word boundary."""
    lines = (ROOT / ".funcignore").read_text(encoding="utf-8").splitlines()
    patterns = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    return any(re.match(re.escape(pattern) + r"(\b|$)", name) for pattern in patterns)


def test_funcignore_names_everything_that_does_not_ship_and_nothing_that_does() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    tracked = listed.rstrip("\0").split("\0")
    here = {path.name + ("/x" if path.is_dir() else "") for path in ROOT.iterdir()}
    for name in {*tracked, *here, "local.settings.json", ".env", ".azure/x", "node_modules/x"}:
        if name.split("/")[0] in (*FILES, *FOLDERS):
            assert not ignored(name), f"{name} ships, but .funcignore drops it"
        else:
            assert ignored(name), f"{name} does not ship; add it to .funcignore"
