"""House rules as failing tests: who may import whom, and what the core alone needs."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "sdetr").rglob("*.py"))

# Room → the rooms it may import from; settings modules and the ground are open to all.
GROUND = {
    "boxes",
    "types",
    "files",
    "precision",
    "secrets",
    "commit",
    "hopeless",
    "others",
    "record",
    "segments",
    "settings_file",
    "config.base",
    "config.flat",
}
ROOMS: dict[str, set[str]] = {
    "data": set(),
    "models": set(),
    "proposals": {"data"},
    "views": {"data", "proposals"},
    "objectives": {"models"},
    "evaluation": set(),
    "interop": {"data", "models"},
    "report": {"data", "evaluation"},
    "tracking": {"config"},
    "training": {"data", "proposals", "views", "models", "objectives", "evaluation", "interop"},
    "config": set(),
    "cli": {
        "config",
        "data",
        "proposals",
        "views",
        "evaluation",
        "report",
        "tracking",
        "interop",
        "models",
        "training",
    },
    "__main__": {"cli"},
}
GUESTS = {
    "mlflow": {"tracking"},
    "sqlalchemy": {"tracking"},
    "pycocotools": {"evaluation"},
    "hotcoco": {"evaluation"},
    "matplotlib": {"report"},
    "markdown_it": {"report"},
    "pandas": {"report"},
    "cv2": {"proposals", "views"},
}
"""Packages that are no dependency of the core → the rooms that may import them, where they are used."""


def imports(path: Path) -> Iterator[tuple[int, str, bool]]:
    """Line, module, and whether the import happens when the file is imported."""
    tree = ast.parse(path.read_text())
    top = set(map(id, ast.walk(ast.Module(tree.body, [])))) - {
        id(n) for f in ast.walk(tree) if isinstance(f, LATER) or is_for_types(f) for n in ast.walk(f)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name, id(node) in top) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "sdetr":
            yield from ((node.lineno, f"sdetr.{alias.name}", id(node) in top) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, node.module or "", id(node) in top


LATER = (ast.FunctionDef, ast.Lambda)


def is_for_types(node: ast.AST) -> bool:
    """`if TYPE_CHECKING:` without an `else`, which nothing but a type checker looks into."""
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING" and not node.orelse


def room_of(module: str) -> str:
    return module.removeprefix("sdetr.").split(".")[0]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_downwards(path):
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    room, is_settings = room_of(module), path.stem.endswith("settings")
    for line, name, _ in imports(path):
        if not name.startswith("sdetr"):
            continue
        inner = name.removeprefix("sdetr.")
        target = room_of(name)
        allowed = (
            inner in GROUND
            or target == room
            or (inner.endswith("settings") and (is_settings or room in ("config", *ROOMS)))
            or target in ROOMS.get(room, set())
        )
        assert allowed, f"{path}:{line}: {room} may not import {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_file_can_be_read_in_one_sitting(path):
    assert len(path.read_text().splitlines()) <= 200


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_optional_packages_stay_in_their_rooms_and_out_of_start_up(path):
    room = room_of(".".join(path.relative_to(ROOT).with_suffix("").parts))
    for line, name, at_import in imports(path):
        package = name.split(".")[0]
        if package in GUESTS:
            assert room in GUESTS[package], f"{path}:{line}: {package} belongs to {GUESTS[package]}"
            assert not at_import, f"{path}:{line}: import {package} where it is used"


@pytest.mark.parametrize("path", [p for p in FILES if p.name in ("settings.py", "base.py")], ids=str)
def test_settings_know_neither_torch_nor_numpy(path):
    assert not {name.split(".")[0] for _, name, _ in imports(path)} & {
        "torch",
        "torchvision",
        "numpy",
        "scipy",
    }


def test_the_core_needs_only_what_it_declares():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    names = {line.split(">")[0].split("=")[0].strip() for line in declared}
    modules = {"pyyaml": "yaml", "pillow": "PIL"}
    known = (
        {modules.get(name, name) for name in names}
        | set(sys.stdlib_module_names)
        | set(GUESTS)
        | {"sdetr", "pydantic_core"}
    )
    for path in FILES:
        for line, name, _ in imports(path):
            assert name.split(".")[0] in known, f"{path}:{line}: {name} is no dependency"


def test_the_core_alone_imports_every_room():
    """With every package of the optional groups hidden."""
    modules = [".".join(p.relative_to(ROOT).with_suffix("").parts) for p in FILES if p.name != "__main__.py"]
    hidden = [*GUESTS, "snakemake", "dvc", "transformers", "pytest"]
    code = (
        f"import sys, importlib\nsys.modules.update(dict.fromkeys({hidden}))\n"
        f"for name in {modules}: importlib.import_module(name.removesuffix('.__init__'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_nothing_in_the_package_knows_the_engines(path):
    names = {name.split(".")[0] for _, name, _ in imports(path)}
    assert not names & {"snakemake", "dvc"}


def test_every_module_says_what_it_is():
    for path in FILES:
        assert ast.get_docstring(ast.parse(path.read_text())), f"{path} has no docstring"
