"""Where a worker process begins, as a script: `harness` is the package this file lies in, whatever else is so named.

The tree of a model may hold a folder `harness`, another interpreter may have another version installed, and the way to
this one may lead through the parent's working directory. One ruler measures both sides: it is loaded by its own path.
"""

from __future__ import annotations

import os
import sys
from importlib.util import module_from_spec, spec_from_file_location


def load_package(folder: str) -> None:
    """Import `harness` from this folder and from nowhere else; its parts are then found there, too."""
    spec = spec_from_file_location(
        "harness",
        f"{folder}/__init__.py",
        submodule_search_locations=[folder],
    )
    assert spec is not None
    assert spec.loader is not None
    package = module_from_spec(spec)
    sys.modules["harness"] = package
    spec.loader.exec_module(package)


if __name__ == "__main__":
    load_package(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # noqa: PTH100, PTH120 - pathlib is slow
    from harness.worker.__main__ import main

    main()
