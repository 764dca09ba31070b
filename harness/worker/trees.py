"""What a source tree declares, and that nothing came from another tree: two revisions have packages of the same names.

Imports declarations, which import no runtime, and reads which files the modules of this process came from.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from harness import zoo
from harness.errors import ModelProblem
from harness.packages import installed_version
from harness.worker import protocol


def declared_models(request: protocol.Declare) -> protocol.Declared:
    """Import every declaration of the tree, and look up what it needs here."""
    from harness.probes.machine import LIBRARIES

    declared = zoo.discover(Path(request.root), request.folder)
    refuse_modules_of(request.shunned)
    versions = {name: version for name in LIBRARIES if (version := installed_version(name)) is not None}
    return protocol.Declared(tuple(_described(one) for one in declared), versions)


def _described(declared: zoo.Declared) -> protocol.DeclaredModel:
    model, origin = declared.model, declared.origin
    found = zoo.blocked(model)
    return protocol.DeclaredModel(
        name=model.name,
        family=model.family,
        size=model.size,
        runtime=model.runtime,
        precisions=model.precisions,
        module=origin.module,
        root=origin.root,
        blocked_reason=found.reason if found else None,
        blocked=found.text if found else None,
    )


def refuse_modules_of(tree: str | None) -> None:
    """Raise where a module of this process lies in that tree: it would be measured as if it were of this side's.

    What lies in an environment kept inside the tree (`.venv`, `.tox`) is installed and the same for both sides.
    """
    if tree is None:
        return
    for name, module in sorted(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if not isinstance(file, str) or name.partition(".")[0] in ("harness", "__main__"):
            continue
        if "site-packages" in file or "dist-packages" in file:
            continue  # most modules: they need not be looked up
        path = Path(file).resolve()
        if belongs_to(Path(tree), path, (Path(sys.prefix), Path(sys.base_prefix))):
            raise ModelProblem(
                f"{name} was imported from the working tree ({path.relative_to(tree)}), not from the other side's;"
                " compare with --against python=PATH, an environment that has the other side's installed"
            )


def belongs_to(tree: Path, path: Path, prefixes: Iterable[Path]) -> bool:
    """Whether a path is the tree's own, and not of an environment that is kept in it.

    An environment around the tree (`/usr` around `/usr/src/app`) or of the same folder says nothing.
    """
    if not path.is_relative_to(tree) or {"site-packages", "dist-packages"} & set(path.parts):
        return False
    inside = [prefix for prefix in map(Path.resolve, prefixes) if prefix != tree and prefix.is_relative_to(tree)]
    return not any(path.is_relative_to(prefix) for prefix in inside)
