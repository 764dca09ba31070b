"""Makes docs/report.png, the picture on the README: the first screen of the newest report, by a real Chromium.

pytest suites/ --device cpu && python docs/screenshot.py
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
QUIET = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync --hide-scrollbars --force-device-scale-factor=1"
)


def main() -> int:
    """Take the picture; say what is missing where it cannot be taken."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    report = ROOT / "reports" / "latest" / "report.html"
    if browser is None or not report.exists():
        print("needs Chromium and a report: pytest suites/ --device cpu", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [
                browser,
                *QUIET.split(),
                f"--user-data-dir={profile}",
                f"--screenshot={ROOT / 'docs' / 'report.png'}",
                "--window-size=1280,800",
                report.resolve().as_uri(),
            ],
            check=True,
            capture_output=True,
            timeout=120,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
