from __future__ import annotations

import pytest
from write_golden import FOLDER, GOLDEN


@pytest.mark.parametrize("name", GOLDEN)
def test_the_fixed_run_is_shown_as_agreed(name: str) -> None:
    shown = GOLDEN[name]()
    agreed = (FOLDER / name).read_text(encoding="utf-8")
    assert shown == agreed, "read the difference; if it is meant, run python tests/render/write_golden.py"
