"""The layers of the package, read off its imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import worldmodels

PACKAGE = Path(worldmodels.__file__).parent
LAYERS = (
    (
        "errors",
        "seeding",
        "rundir",
        "checkpoint",
        "metrics",
        "device",
        "machine",
        "settings",
        "config",
        "options",
        "tool_options",
        "interruption",
        "kernel",
    ),
    ("experiment",),
    ("worlds", "models"),
    ("data",),
    ("experiments", "evolution", "report", "zoo", "play", "web"),
    ("stages", "toys"),
    ("failures", "cli", "__main__"),
)
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
FILES = sorted(PACKAGE.rglob("*.py"))


def module_name(path: Path) -> str:
    """`worldmodels.data.frames` of its file; of a package, the package's name."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_module(name: str) -> bool:
    path = PACKAGE.parent.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def only_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in (
        "TYPE_CHECKING",
        "typing.TYPE_CHECKING",
    )


def nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node, functions' included, but for what only a type checker reads."""
    for node in ast.iter_child_nodes(tree):
        if only_for_types(node):
            assert isinstance(node, ast.If)
            for other in node.orelse:
                yield other
                yield from nodes(other)
        else:
            yield node
            yield from nodes(node)


def imports(source: str, package: str) -> set[str]:
    """The modules of worldmodels that `source`, which lies in `package`, imports."""
    found = set()
    for node in nodes(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join([*(above if node.level else []), *filter(None, [node.module])])
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                found.add(inner if base.startswith("worldmodels") and is_module(inner) else base)
    return {name for name in found if name.split(".")[0] == "worldmodels"}


def imports_of(path: Path) -> set[str]:
    name = module_name(path)
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    return imports(path.read_text(), package)


def part(module: str) -> str:
    """`data` of `worldmodels.data.frames`; empty for the package itself."""
    return [*module.split("."), ""][1]


def inside(folder: str) -> list[Path]:
    return [path for path in FILES if part(module_name(path)) == folder]


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_a_module_has_a_layer_and_imports_from_it_or_from_below(path: Path) -> None:
    here = part(module_name(path))
    level = LEVEL[here] if here else -1
    above = {name for name in imports_of(path) if part(name) and LEVEL[part(name)] > level}
    assert not above


@pytest.mark.parametrize("path", inside("models"), ids=module_name)
def test_models_know_neither_worlds_nor_data(path: Path) -> None:
    assert {part(name) for name in imports_of(path)} <= {"models", "kernel"}


@pytest.mark.parametrize("path", inside("worlds"), ids=module_name)
def test_of_the_worlds_only_the_dream_knows_a_model(path: Path) -> None:
    knows = "models" in {part(name) for name in imports_of(path)}
    assert knows == (path.name == "dream.py")


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import worldmodels.data.frames", {"worldmodels.data.frames"}),
        ("from worldmodels import seeding", {"worldmodels.seeding"}),
        ("from worldmodels import __version__", {"worldmodels"}),
        ("from worldmodels.data.frames import FrameStream", {"worldmodels.data.frames"}),
        ("from worldmodels.data import frames", {"worldmodels.data.frames"}),
        ("from . import mdn", {"worldmodels.models.mdn"}),
        ("from ..data import frames", {"worldmodels.data.frames"}),
        ("def f():\n    from worldmodels import seeding", {"worldmodels.seeding"}),
        ("def f():\n    import worldmodels.config", {"worldmodels.config"}),
        ("if TYPE_CHECKING:\n    import worldmodels.data", set()),
        ("if TYPE_CHECKING:\n    pass\nelse:\n    import worldmodels.data", {"worldmodels.data"}),
        ("import numpy", set()),
    ],
)
def test_imports_are_found_in_every_form(source: str, found: set[str]) -> None:
    assert imports(source, "worldmodels.models") == found
