"""Where a CI keeps the files of a run: the page to link to, from the variables that it sets. Empty elsewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping

_ADDRESS = re.compile(r"https?://[\w.:/?=&%+~#-]+\Z", re.ASCII)


def page_of_ci(environ: Mapping[str, str]) -> str:
    """Return the address of the job's page; `QUANTGATE_REPORT_URL` is for whoever knows a better one."""
    found = environ.get("QUANTGATE_REPORT_URL") or _github(environ) or environ.get("CI_JOB_URL", "")
    return found if _ADDRESS.match(found) else ""


def _github(environ: Mapping[str, str]) -> str:
    parts = [environ.get(f"GITHUB_{key}", "") for key in ("SERVER_URL", "REPOSITORY", "RUN_ID")]
    return "{}/{}/actions/runs/{}".format(*parts) if all(parts) else ""
