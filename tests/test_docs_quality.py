"""The guide on quality tells the metrics as they are."""

from __future__ import annotations

import importlib.util
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def test_the_table_of_metrics_is_that_of_the_metrics() -> None:
    spec = importlib.util.spec_from_file_location("write_metrics", DOCS / "write_metrics.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    guide = module.GUIDE.read_text(encoding="utf-8")
    assert guide.count("\n| `") == len(module.built_in()) > 30
    assert module.with_table(guide) == guide, "run: python docs/write_metrics.py"
