"""The package's rooms: each uses itself, those before it, and what lies beside them."""

import ast
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "notebooks" / "order_tracking"
ROOMS = ["contract", "tables", "files", "rows", "tasks"]


def imported(module):
    """Name what a module imports from the package, from the package's own name on."""
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports by a relative path"
            yield from (f"{node.module}.{name.name}" for name in node.names)
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


def test_imports_between_rooms_go_one_way():
    modules = sorted(PACKAGE.rglob("*.py"))
    assert {module.parent.name for module in modules} == {PACKAGE.name, *ROOMS}
    against = [
        f"{module.relative_to(PACKAGE)} imports {name}"
        for module in modules
        for name in imported(module)
        for package, _, rest in [name.partition(".")]
        if package == PACKAGE.name
        for room in [rest.split(".")[0]]
        if room in ROOMS
        if module.parent == PACKAGE or ROOMS.index(room) > ROOMS.index(module.parent.name)
    ]
    assert against == []
