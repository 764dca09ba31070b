"""What somebody gets who installs the package: small, complete, and a plugin at once."""

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    return next(folder.glob("quantgate-*.whl"))


def test_the_wheel_holds_the_ruler_with_its_templates_and_none_of_the_measured(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "harness/render/templates/report.html.j2" in names
    assert not [name for name in names if name.startswith(("suites/", "tests/", "bench/"))]


def test_installed_alone_it_lists_and_reports_what_is_missing(wheel: Path, tmp_path: Path) -> None:
    home = tmp_path / "venv"
    venv.create(home, with_pip=True)
    python = home / "bin" / "python"
    install = [python, "-m", "pip", "install", "--quiet", "-c", str(ROOT / "constraints.txt"), str(wheel)]
    subprocess.run(install, check=True, capture_output=True, timeout=600)

    project = tmp_path / "project"
    models = project / "suites" / "models"
    models.mkdir(parents=True)
    (models / "mine.py").write_text(
        "from pathlib import Path\n"
        "from harness.models import Example, FileReference, Model, Workload\n"
        "Path('mine.onnx').write_bytes(b'no model')\n"
        "def workload(setting):\n"
        "    return Workload('w', 1, (Example('e', dict),), 'nothing')\n"
        "MODELS = (Model(name='mine', family='mine', task='t', runtime='onnx', precisions=('fp32',), licence='MIT',\n"
        "    weights='none', workload=workload,\n"
        "    reference=lambda setting: FileReference(Path('mine.onnx'), 'onnx', 'none')),)\n"
    )
    (project / "suites" / "test_cells.py").write_text((ROOT / "suites" / "test_cells.py").read_text())

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(home / "bin" / command[0]), *command[1:]],
            cwd=project,
            env={"XDG_CACHE_HOME": str(tmp_path / "cache"), "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    listed = run("quantgate", "list")
    assert listed.returncode == 0, listed.stderr
    assert "mine" in listed.stdout
    measured = run("pytest", "suites/")
    assert measured.returncode == 1, measured.stdout
    assert 'pip install "quantgate[onnx]"' in " ".join(measured.stdout.split())
    assert (project / "reports" / "latest" / "report.html").exists()
    again = run("quantgate", "report", "reports/latest")
    assert again.returncode == 0, again.stderr
