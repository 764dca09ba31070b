"""What a source tree declares, and that nothing came from another tree: two revisions have packages of the same names.

Imports declarations, which import no runtime, and reads which files the modules of this process came from.
"""

from __future__ import annotations

import sys
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
    environment = (sys.prefix, sys.base_prefix)
    for name, module in sorted(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if not isinstance(file, str) or name.partition(".")[0] in ("harness", "__main__"):
            continue
        path = Path(file)
        if "site-packages" in path.parts or any(path.is_relative_to(one) for one in environment):
            continue
        path = path.resolve()
        if path.is_relative_to(tree):
            raise ModelProblem(
                f"{name} was imported from the working tree ({path.relative_to(tree)}), not from the other side's;"
                " compare with --against python=PATH, an environment that has the other side's installed"
            )
