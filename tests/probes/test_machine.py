import dataclasses
import getpass
import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from fake_nvml import FakeNvml

import harness
from harness.probes import Unavailable
from harness.probes.cores import Trees
from harness.probes.gpu import Gpu
from harness.probes.machine import describe, freeze_hash, installed_version
from harness.results import Environment

ROOT = Path(harness.__file__).parents[1]
NO_GPU = Unavailable("none")

X86 = """processor\t: 0
vendor_id\t: GenuineIntel
cpu family\t: 6
model\t\t: 143
model name\t: Intel(R) Xeon(R) Platinum 8480+
microcode\t: 0x2b
flags\t\t: fpu sme smep sse2 sse4_2 avx avx2 f16c fma avx512f avx512_vnni avx_vnni amx_tile amx_int8 hypervisor

processor\t: 1
model name\t: Other
"""
ARM = """processor\t: 0
Features\t: fp asimd aes asimdhp fphp asimddp sve i8mm bf16 sme2
CPU implementer\t: 0x41
CPU part\t: 0xd4f
"""


def described(tmp_path: Path, cpuinfo: str, **files: str) -> Environment:
    for name, text in {"cpuinfo": cpuinfo, **files}.items():
        (tmp_path / name).write_text(text)
    return describe(ROOT, threads=1, gpu=NO_GPU, trees=Trees(tmp_path, tmp_path))


def test_an_x86_core_is_known_by_model_numbers_and_its_fast_instructions(tmp_path: Path) -> None:
    found = described(tmp_path, X86)
    assert found.identity["cpu_model"] == "Intel(R) Xeon(R) Platinum 8480+ (family 6 model 143)"
    assert found.identity["cpu_isa"] == "amx_int8 amx_tile avx avx2 avx512_vnni avx512f avx_vnni f16c fma sse4_2"
    assert found.info["microcode"] == "0x2b"
    assert found.info["virtual_machine"] is True


def test_an_arm_core_is_known_by_implementer_and_part(tmp_path: Path) -> None:
    found = described(tmp_path, ARM)
    assert found.identity["cpu_model"] == "(implementer 0x41 part 0xd4f)"
    assert found.identity["cpu_isa"] == "asimd asimddp asimdhp bf16 fphp i8mm sme2 sve"
    assert found.info["virtual_machine"] is None


def test_memory_is_read_in_bytes(tmp_path: Path) -> None:
    assert described(tmp_path, X86, meminfo="MemTotal:       1000 kB\n").info["memory_bytes"] == 1_024_000


def test_the_gpu_is_part_of_the_identity_and_its_driver_of_the_libraries() -> None:
    found = describe(ROOT, threads=2, gpu=Gpu(FakeNvml(), 0))
    assert found.identity["gpu_name"] == "H200"
    assert found.identity["gpu_memory_bytes"] == 139 << 30
    assert found.identity["threads"] == 2
    assert found.libraries["nvidia_driver"] == "570.86"
    assert found.libraries["cuda_of_driver"] == "12.8"


def test_a_gpu_that_does_not_answer_is_none_and_not_zero() -> None:
    found = describe(ROOT, threads=1, gpu=Gpu(FakeNvml(refused=("nvmlDeviceGetMemoryInfo",)), 0))
    assert found.identity["gpu_memory_bytes"] is None


def test_what_only_the_worker_knows_joins_the_libraries() -> None:
    found = describe(ROOT, threads=1, gpu=NO_GPU, runtime_facts={"blas": "mkl"})
    assert found.libraries["blas"] == "mkl"


def test_versions_come_from_what_is_installed() -> None:
    assert installed_version("pytest") == pytest.__version__
    assert installed_version("no-such-distribution-at-all") is None


def test_nothing_personal_is_recorded(monkeypatch) -> None:
    monkeypatch.setenv("QUANTGATE_TEST_TOKEN", "hunter2-in-the-environment")
    written = json.dumps(dataclasses.asdict(describe(ROOT, threads=1)))
    for secret in (socket.gethostname(), str(Path.home()), str(ROOT), "hunter2-in-the-environment"):
        assert secret not in written or len(secret) < 3
    words = set(re.findall(r"[\w.-]+", written))
    assert getpass.getuser() not in words
    assert os.sep + "home" not in written


def test_describing_imports_no_runtime() -> None:
    heavy = ["torch", "onnxruntime", "onnx", "torchao", "transformers", "numpy"]
    code = (
        "import sys; from pathlib import Path; from harness.probes.machine import describe; "
        "import harness.probes.condition, harness.probes.memory, harness.probes.stopwatch, harness.probes.energy; "
        f"describe(Path('.'), threads=1); print([name for name in {heavy} if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert shown.stdout.strip() == "[]"


def test_the_freeze_hash_is_of_names_and_versions_alone(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for folder, names in (
        (one, ["Foo_Bar-1.0.dist-info", "baz-2.dist-info", "foo_bar"]),
        (other, ["baz-2-py3.11.egg-info", "foo.bar-1.0.dist-info", "unrelated.txt"]),
    ):
        for name in names:
            (folder / name).mkdir(parents=True)
    assert freeze_hash([str(one)]) == freeze_hash([str(other)])
    # What comes first on the path is what would be imported.
    (tmp_path / "newer" / "baz-3.dist-info").mkdir(parents=True)
    assert freeze_hash([str(tmp_path / "newer"), str(one)]) != freeze_hash([str(one)])
    assert freeze_hash([str(one), str(tmp_path / "newer"), str(tmp_path / "missing")]) == freeze_hash([str(one)])


def git(folder: Path, *words: str) -> str:
    settings = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false"]
    command = ["git", *settings, "-C", str(folder), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_the_commit_and_its_dirtiness_are_noted(tmp_path: Path, monkeypatch) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "file").write_text("1")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "-qm", "x")
    monkeypatch.setenv("GIT_DIR", str(ROOT / ".git"))
    clean = describe(tmp_path, threads=1, gpu=NO_GPU).info
    monkeypatch.delenv("GIT_DIR")
    assert clean["git_commit"] == git(tmp_path, "rev-parse", "HEAD")
    assert clean["git_dirty"] is False
    (tmp_path / "file").write_text("2")
    assert describe(tmp_path, threads=1, gpu=NO_GPU).info["git_dirty"] is True


def test_without_git_or_history_there_is_no_commit(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    assert describe(tmp_path, threads=1, gpu=NO_GPU).info["git_commit"] is None
    monkeypatch.setenv("PATH", str(tmp_path))
    found = describe(ROOT, threads=1, gpu=NO_GPU).info
    assert found["git_commit"] is None
    assert found["git_dirty"] is None
