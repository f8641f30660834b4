"""The package: exactly the allow-list and the locked wheels, and it works with nothing else installed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml
from packaging.utils import canonicalize_name

from tests.infra.bicep import ROOT
from tests.infra.code import functions
from tests.infra.deployed import deployed_settings
from tests.infra.interpreters import ALLOWED, RUNNING, find_python
from tools.package import (
    FILES,
    FOLDERS,
    PACKAGES,
    PYTHON_FILE,
    STAGE,
    PackageError,
    archive,
    choose_python,
    shipped_files,
    stage,
)
from tools.wheels import WheelsError, install, requirements_for

Completed = subprocess.CompletedProcess[str]
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
sys.path[:0] = sys.argv[1:]
import function_app, functions, shared
names = [each.get_function_name() for each in function_app.app.get_functions()]
places = {name: module.__file__ for name, module in sys.modules.items() if getattr(module, "__file__", None)}
print(json.dumps({"names": names, "places": places, "base": sys.base_prefix}))
"""
# Imported one by one: what the app imports late, or only when a setting asks for it, is in there as well.
IMPORT_ALL = """
import importlib, pathlib, sys
site, *wanted = sys.argv[1:]
sys.path.insert(0, site)
for name in wanted:
    importlib.import_module(name)
compiled = [name for name, module in sys.modules.items() if (getattr(module, "__file__", None) or "").endswith(".so")]
print(*sorted(name for name in compiled if sys.modules[name].__file__.startswith(site)))
"""
COMPILED = {
    "_cffi_backend",
    "charset_normalizer.md",
    "cryptography.hazmat.bindings._rust",
    "pydantic_core._pydantic_core",
}


OTHERS = [
    pytest.param(
        version,
        marks=[
            pytest.mark.other_pythons,
            pytest.mark.skipif(find_python(version) is None, reason=f"no Python {version} is at hand"),
        ],
    )
    for version in ALLOWED
    if version != RUNNING
]


@pytest.fixture(scope="session")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The package for a Python, staged once."""

    @cache
    def stage_for(version: str) -> Path:
        target = tmp_path_factory.mktemp("package") / version
        stage(ROOT, target, python=version)
        return target

    return stage_for


@pytest.fixture(scope="session")
def staged(stages: Callable[[str], Path]) -> Path:
    return stages(RUNNING)


def run(python: Path, code: str, *arguments: str, settings: Mapping[str, str] | None = None) -> Completed:
    # -I: neither the current folder nor the developer's environment is on the path; -S: nor what is installed.
    # The stage stays as it is, and what one run has compiled serves the next.
    command = [str(python), "-I", "-S", "-X", f"pycache_prefix={ROOT / 'build' / 'pycache'}", "-c", code, *arguments]
    environment = {"PATH": os.environ["PATH"], **(settings or {})}
    return subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, check=False)


def index(python: Path, folder: Path, settings: dict[str, str]) -> Completed:
    return run(python, INDEX, str(folder / PACKAGES), str(folder), settings=settings)


@pytest.mark.parametrize("version", [RUNNING, *OTHERS])
def test_the_staged_package_indexes_every_function_with_nothing_but_its_wheels(
    version: str, stages: Callable[[str], Path]
) -> None:
    python, package = find_python(version), stages(version)
    assert python
    answer = index(python, package, deployed_settings())
    assert answer.returncode == 0, answer.stderr
    greeting, result = answer.stdout.splitlines()
    running, built = greeting.split("; ")
    assert running.startswith(f"pigeonhole: Python {version}.")
    assert built == f"package built for {version}"
    found = json.loads(result)
    assert sorted(found["names"]) == sorted(functions())
    # -S leaves out site-packages: what was loaded is the package's, or Python's own.
    strangers = [place for place in map(Path, found["places"].values()) if not place.is_relative_to(package)]
    assert [each for each in strangers if "site-packages" in each.parts or not each.is_relative_to(found["base"])] == []
    assert set(LOCAL_ONLY).isdisjoint({name.partition(".")[0] for name in found["places"]})


@pytest.mark.parametrize("version", [RUNNING, *OTHERS])
def test_every_wheel_is_one_for_that_python(version: str, stages: Callable[[str], Path]) -> None:
    python, site = find_python(version), stages(version) / PACKAGES
    assert python
    tops = {path.stem if path.is_file() else path.name for path in site.iterdir() if path.suffix in ("", ".py")}
    names = sorted(name for name in tops if name.isidentifier() and name != "azure")
    azure = ["azure.functions", "azure.identity", "azure.storage.blob", "azure.storage.queue"]
    answer = run(python, IMPORT_ALL, str(site), *azure, *names, "charset_normalizer.md", "markupsafe._speedups")
    assert answer.returncode == 0, answer.stderr
    assert set(answer.stdout.split()) >= COMPILED


def test_a_package_for_another_python_says_so_before_it_fails(tmp_path: Path, staged: Path) -> None:
    package = tmp_path / "package"
    stage(ROOT, package)
    (package / PYTHON_FILE).write_text("3.9\n", encoding="utf-8")
    # No wheels are there: what is compiled, or any package at all, was not asked for.
    answer = index(Path(sys.executable), package, deployed_settings())
    assert answer.returncode != 0
    sentence = f"built for Python 3.9, and runs on {RUNNING}: run `make package PYTHON_VERSION={RUNNING}`"
    assert sentence in answer.stderr
    assert "ModuleNotFoundError" not in answer.stderr


def test_a_start_without_settings_names_every_missing_one(staged: Path) -> None:
    answer = index(Path(sys.executable), staged, {})
    assert answer.returncode != 0
    for name in ("DOCUMENTS_CONTAINER", "EVENTS_QUEUE", "LANGUAGE_ENDPOINT", "DATA_STORAGE__blobServiceUri"):
        assert name in answer.stderr


def own_files(package: Path) -> list[Path]:
    files = (path for path in package.rglob("*") if path.is_file())
    return [path for path in files if not path.is_relative_to(package / PACKAGES)]


def test_the_package_holds_the_allow_list_the_wheels_and_nothing_else(staged: Path) -> None:
    assert {path.name for path in staged.iterdir()} == {*FILES, *FOLDERS, PACKAGES.parts[0], PYTHON_FILE}
    suffixes = {path.suffix for path in own_files(staged)}
    assert suffixes <= {".py", ".json", ".txt", ".html", ".css", ".js", ".svg"}
    assert not list(staged.rglob("__pycache__"))
    assert not list(staged.rglob("local.settings*.json"))
    assert not (staged / PACKAGES / "bin").exists()


def test_the_wheels_are_those_of_the_lock_file(staged: Path) -> None:
    chosen = requirements_for(RUNNING, (ROOT / "requirements.txt").read_text(encoding="utf-8"))
    pins = (re.match(r"([^=\[]+)(?:\[[^\]]*\])?==(\S+)", line) for line in chosen.splitlines())
    locked = {canonicalize_name(pin[1]): pin[2] for pin in pins if pin}
    folders = (path.name.removesuffix(".dist-info").rpartition("-") for path in (staged / PACKAGES).glob("*.dist-info"))
    assert {canonicalize_name(name): version for name, _, version in folders} == locked


def test_nothing_shipped_imports_what_stays_here(staged: Path) -> None:
    pattern = re.compile(rf"^\s*(?:from|import) ({'|'.join(LOCAL_ONLY)})\b", re.MULTILINE)
    for path in own_files(staged):
        if path.suffix != ".py":
            continue
        assert not pattern.search(path.read_text(encoding="utf-8")), path


def make_tree(root: Path) -> Path:
    for name in FILES:
        (root / name).write_text("x", encoding="utf-8")
    for name in FOLDERS:
        (root / name).mkdir()
        (root / name / ("index.html" if name == "web" else "__init__.py")).touch()
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
        "web/index.html",
    ]
    assert not (root / "build" / "package" / "old").exists()


LOCK = """\
alpha==1.0 ; python_full_version < '3.13' \\
    --hash=sha256:a1 \\
    --hash=sha256:a2
alpha==2.0 ; python_full_version >= '3.13' \\
    --hash=sha256:a3
# a comment
beta==1.0 ; sys_platform == 'win32' \\
    --hash=sha256:b1
gamma[extra]==1.0 ; platform_python_implementation != 'PyPy' \\
    --hash=sha256:c1
"""


@pytest.mark.parametrize(
    ("python", "alpha"),
    [("3.12", "alpha==1.0 --hash=sha256:a1 --hash=sha256:a2"), ("3.13", "alpha==2.0 --hash=sha256:a3")],
)
def test_markers_are_judged_for_the_target_and_not_for_the_python_that_stages(python: str, alpha: str) -> None:
    assert requirements_for(python, LOCK).splitlines() == [alpha, "gamma[extra]==1.0 --hash=sha256:c1"]


def test_a_marker_that_the_minor_version_does_not_decide_stops_the_staging() -> None:
    with pytest.raises(WheelsError, match=r"python_full_version < .*3\.12\.4.* depends on more than Python 3\.12"):
        requirements_for("3.12", "alpha==1.0 ; python_full_version < '3.12.4' \\\n    --hash=sha256:a1\n")


def test_the_hook_needs_no_package_but_pip() -> None:
    """azd runs it with the system's Python: -S hides what the development environment has."""
    code = (
        "import sys; sys.path[:0] = sys.argv[1:]\n"
        "from tools.wheels import requirements_for\n"
        "print(requirements_for('3.13', \"alpha==2.0 ; python_version >= '3.13' --hash=sha256:a3\"))\n"
        "print('packaging' in sys.modules)"
    )
    pip = Path(find_spec("pip").origin).parent  # type: ignore[union-attr, arg-type]
    with TemporaryDirectory() as folder:
        (Path(folder) / "pip").symlink_to(pip)
        answer = run(Path(sys.executable), code, str(ROOT), folder)
    assert answer.stdout.split("\n")[:3] == ["alpha==2.0 --hash=sha256:a3", "", "False"], answer.stderr


def test_a_wheel_with_another_content_is_refused(tmp_path: Path) -> None:
    lock = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    entry = re.search(r"^idna==[^\n]+\n(?: +--hash=sha256:\w+[^\n]*\n)+", lock, re.MULTILINE)
    assert entry
    tampered = re.sub(r"sha256:\w{8}", "sha256:00000000", entry[0])
    with pytest.raises(WheelsError, match="DO NOT MATCH THE HASHES"):
        install(RUNNING, tampered, tmp_path / "site")
    assert not (tmp_path / "site").exists()


def test_a_wheel_for_another_python_is_refused_whatever_python_stages(tmp_path: Path) -> None:
    lock = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    entries = re.findall(r"^azure-functions==[^\n]+\n(?: +--hash=sha256:\w+[^\n]*\n)+", lock, re.MULTILINE)
    later = next(entry for entry in entries if ">= '3.13'" in entry).replace(">= '3.13'", ">= '3.11'")
    with pytest.raises(WheelsError, match=r"not for Python 3\.12: azure-functions \(>=3\.13\)"):
        install("3.12", later, tmp_path / "site")
    install("3.13", later, tmp_path / "site")
    assert (tmp_path / "site" / "azure" / "functions" / "__init__.py").exists()


@pytest.mark.parametrize(
    ("parameter", "environment", "expected"),
    [
        pytest.param(None, {}, "3.12", id="the template's default"),
        pytest.param("3.13", {}, "3.13", id="a parameter"),
        pytest.param("${PYTHON_VERSION=3.12}", {}, "3.12", id="azd's default"),
        pytest.param("${PYTHON_VERSION=3.12}", {"PYTHON_VERSION": "3.11"}, "3.11", id="azd's value"),
        pytest.param(None, {"PYTHON_VERSION": "3.11"}, "3.12", id="a value that azd does not pass"),
    ],
)
def test_the_package_is_for_the_python_that_azd_deploys(
    tmp_path: Path, parameter: str | None, environment: dict[str, str], expected: str
) -> None:
    (tmp_path / "infra").mkdir()
    shutil.copy(ROOT / "infra" / "main.bicep", tmp_path / "infra")
    parameters = {"pythonVersion": {"value": parameter}} if parameter else {}
    path = tmp_path / "infra" / "main.parameters.json"
    path.write_text(json.dumps({"parameters": parameters}), encoding="utf-8")
    assert choose_python(root=tmp_path, environment=environment) == expected


def test_a_python_that_the_platform_does_not_have_stops_the_staging() -> None:
    with pytest.raises(PackageError, match=r"not on '3.8'"):
        choose_python("3.8")


def test_azd_builds_nothing_on_the_platform() -> None:
    service = yaml.safe_load((ROOT / "azure.yaml").read_text(encoding="utf-8"))["services"]["app"]
    assert (service["project"], service["remoteBuild"]) == (STAGE.as_posix(), False)


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
