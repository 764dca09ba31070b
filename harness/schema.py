"""The published JSON Schema of `run.json`, made from the records themselves: `python -m harness.schema`."""

from __future__ import annotations

import json
import sys
from typing import Any

import msgspec

from harness.results import SCHEMA, Run


def run_schema() -> dict[str, Any]:
    """Return the schema that every `run.json` of this version obeys."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Quantgate run, schema number {SCHEMA}",
        **msgspec.json.schema(Run),
    }


if __name__ == "__main__":
    json.dump(run_schema(), sys.stdout, indent=1)
    print()
