"""What somebody gets who installs the package: small, complete, and a plugin at once."""

import zipfile
from pathlib import Path

from tests.e2e.conftest import ROOT, Installed


def test_the_wheel_holds_the_ruler_with_its_templates_and_none_of_the_measured(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for folder in ("harness/render/templates", "harness/init_files"):
        there = {f"{folder}/{path.name}" for path in (ROOT / folder).iterdir() if path.is_file()}
        assert there
        assert there <= set(names)
    assert not [name for name in names if name.startswith(("suites/", "tests/", "bench/"))]


def test_installed_alone_it_lists_and_reports_what_is_missing(alone: Installed, tmp_path: Path) -> None:
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

    listed = alone.run(project, "quantgate", "list")
    assert listed.returncode == 0, listed.stderr
    assert "mine" in listed.stdout
    measured = alone.run(project, "pytest", "suites/")
    assert measured.returncode == 1, measured.stdout
    assert 'pip install "quantgate[onnx]"' in " ".join(measured.stdout.split())
    assert (project / "reports" / "latest" / "report.html").exists()
    again = alone.run(project, "quantgate", "report", "reports/latest")
    assert again.returncode == 0, again.stderr
