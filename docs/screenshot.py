"""Makes docs/report.png, the picture on the README: a report's first screen at 1280 × 800, by a real Chromium.

python docs/screenshot.py [REPORT.html]. Without a report it shows the run with made-up numbers that the tests use.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "report.png"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# More pixels than the window has, for screens that have them; at 2 the file is twice as large as a README deserves.
QUIET = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync --hide-scrollbars --force-device-scale-factor=1.5"
)


def main(arguments: list[str]) -> int:
    """Take the picture; say what is missing where it cannot be taken."""
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if browser is None:
        print("needs Chromium or Chrome on PATH; on Debian: apt-get install chromium", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        report = Path(arguments[0]) if arguments else made_up(Path(folder))
        if not report.is_file():
            print(f"there is no report {report}; name a report.html that a run wrote", file=sys.stderr)
            return 2
        subprocess.run(
            [
                browser,
                *QUIET.split(),
                f"--user-data-dir={folder}/profile",
                f"--screenshot={PICTURE}",
                "--window-size=1280,800",
                report.resolve().as_uri(),
            ],
            check=True,
            capture_output=True,
            timeout=120,
        )
    print(f"{PICTURE.relative_to(ROOT)}: {PICTURE.stat().st_size / 1000:.0f} kB")
    return 0


def made_up(folder: Path) -> Path:
    """The report of the run that the tests of the first screen use."""
    sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "render")]
    from fixed_showcase import SHOWCASE

    from harness.render.page.assemble import write_report

    return write_report(SHOWCASE, folder)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
