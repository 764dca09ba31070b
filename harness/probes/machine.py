"""What a machine is: the identity a stored baseline must share, the libraries, and what helps to read a record.

Knows versions from the metadata of what is installed and imports none of it. Records nothing of a person: no user
name, host name, home path or environment variable.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from harness.packages import installed_version
from harness.probes import Unavailable
from harness.probes.cores import Trees, allowed_cores, read_text, usable_cores
from harness.probes.gpu import Gpu, cuda_version, driver_version, open_gpu
from harness.results import Environment, Fact

LIBRARIES = ("torch", "torchao", "onnxruntime", "onnxruntime-gpu", "onnx", "transformers", "numpy", "quantgate")
"""Distributions whose version can change a number."""

X86_FLAGS = re.compile(r"sse4_2|avx\w*|fma|f16c|amx\w*")
OTHER_FLAGS = re.compile(r"neon|asimd\w*|fphp|i8mm|bf16|sve\w*|sme\w*|rv\w*|lasx|lsx")
"""Instruction sets that decide how fast a model runs. Apart, for x86 has an `sme` and a `smep` of another meaning."""

_GIT_SECONDS = 2.0
_SYSCTL_SECONDS = 2.0


def describe(
    root: Path,
    *,
    threads: int,
    gpu: Gpu | Unavailable | None = None,
    runtime_facts: Mapping[str, Fact] | None = None,
    trees: Trees = Trees(),  # noqa: B008 -- frozen
) -> Environment:
    """Describe this machine; `root` is the source tree whose commit is noted.

    `gpu` is the one that is measured, cuda:0 unless told. `runtime_facts` are a runtime's own words on its build, which
    only the worker knows.
    """
    gpu = open_gpu() if gpu is None else gpu
    cpu = _cpu(trees)
    return Environment(
        identity={
            "cpu_model": cpu.get("model"),
            "cpu_isa": cpu.get("isa"),
            "usable_cores": usable_cores(trees, allowed_cores()),
            "threads": threads,
            "gpu_name": None if isinstance(gpu, Unavailable) else _known(gpu.name()),
            "gpu_memory_bytes": None if isinstance(gpu, Unavailable) else _known(gpu.memory_bytes()),
            "os": platform.system(),
            "architecture": platform.machine(),
        },
        libraries={
            "python": f"{platform.python_implementation()} {platform.python_version()}",
            **{name: installed_version(name) for name in LIBRARIES},
            "nvidia_driver": None if isinstance(gpu, Unavailable) else _known(driver_version(lambda: gpu.nvml)),
            "cuda_of_driver": None if isinstance(gpu, Unavailable) else _known(cuda_version(lambda: gpu.nvml)),
            **(runtime_facts or {}),
        },
        info={
            **_git(root),
            "freeze_hash": freeze_hash(sys.path),
            "kernel": platform.release(),
            "memory_bytes": _memory_bytes(trees),
            "microcode": cpu.get("microcode"),
            "virtual_machine": None if "x86_flags" not in cpu else "hypervisor" in cpu["x86_flags"].split(),
        },
    )


def cpu_flags(trees: Trees = Trees()) -> frozenset[str]:  # noqa: B008 -- frozen
    """Return the instruction sets of this processor that decide how fast a model runs."""
    return frozenset(_cpu(trees).get("isa", "").split())


def freeze_hash(paths: Iterable[str]) -> str:
    """Return a digest of all that is installed on these paths, name==version, the first of a name counting.

    Read from the names of the metadata folders (PEP 376, PEP 427): opening hundreds of files would cost 0.1 s.
    """
    versions: dict[str, str] = {}
    for path in paths:
        try:
            names = sorted(entry.name for entry in os.scandir(path or "."))
        except OSError:
            continue
        for name in names:
            if found := re.fullmatch(r"(.+?)-([^-]+)(?:-py[\d.]+)?\.(?:dist|egg)-info", name):
                versions.setdefault(re.sub(r"[-_.]+", "-", found[1]).lower(), found[2])
    lines = "\n".join(sorted(f"{name}=={version}" for name, version in versions.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def _cpu(trees: Trees) -> dict[str, str]:
    """Return model, isa, x86_flags and microcode, as far as the system tells."""
    text = read_text(trees.proc / "cpuinfo")
    if text is not None:
        return _cpu_of_linux(text)
    if sys.platform == "darwin":
        return _cpu_of_macos()
    return {"model": platform.processor()} if platform.processor() else {}


def _cpu_of_linux(cpuinfo: str) -> dict[str, str]:
    first: dict[str, str] = {}
    for line in cpuinfo.splitlines():
        name, colon, value = line.partition(":")
        if colon:
            first.setdefault(name.strip().lower(), value.strip())
    model = first.get("model name") or first.get("uarch") or first.get("cpu")
    # A virtual machine may say no more than "AMD EPYC": the numbers tell the generations apart.
    if "cpu family" in first:
        numbers = f"family {first['cpu family']} model {first.get('model', '?')}"
    elif "cpu part" in first:
        numbers = f"implementer {first.get('cpu implementer', '?')} part {first['cpu part']}"
    else:
        numbers = ""
    x86 = first.get("flags")
    flags = (x86 or first.get("features") or first.get("isa") or "").split()
    kept = X86_FLAGS if x86 else OTHER_FLAGS
    found = {
        "model": " ".join(filter(None, (model, numbers and f"({numbers})"))),
        "isa": " ".join(sorted({flag for flag in flags if kept.fullmatch(flag)})),
        "x86_flags": x86 or "",
        "microcode": first.get("microcode", ""),
    }
    return {name: value for name, value in found.items() if value}


def _cpu_of_macos() -> dict[str, str]:
    found = {}
    if model := _output(["sysctl", "-n", "machdep.cpu.brand_string"], _SYSCTL_SECONDS):
        found["model"] = model
    listed = _output(["sysctl", "hw.optional"], _SYSCTL_SECONDS) or ""
    if isa := sorted(re.findall(r"FEAT_(DotProd|FP16|I8MM|BF16|SME\d?|AdvSIMD): 1", listed)):
        found["isa"] = " ".join(isa)
    return found


def _memory_bytes(trees: Trees) -> int | None:
    """Return all memory of the machine."""
    if found := re.search(r"^MemTotal:\s+(\d+) kB", read_text(trees.proc / "meminfo") or "", re.MULTILINE):
        return int(found[1]) * 1024
    try:
        import psutil
    except ImportError:
        return None
    return int(psutil.virtual_memory().total)


def _git(root: Path) -> dict[str, Fact]:
    """Return the commit of a source tree, and whether tracked files differ from it; None without git or history."""
    # Variables of a surrounding git (a hook) would point at another repository; fsmonitor would run a program.
    git = ["git", "-c", "core.fsmonitor=false", "-C", str(root)]
    commit = _output([*git, "rev-parse", "--verify", "HEAD"], _GIT_SECONDS)
    if not commit:
        return {"git_commit": None, "git_dirty": None}
    changed = _output([*git, "status", "--porcelain", "--untracked-files=no"], _GIT_SECONDS)
    return {"git_commit": commit, "git_dirty": None if changed is None else bool(changed)}


def _output(command: list[str], seconds: float) -> str | None:
    """Return what a program prints; None when it is missing, fails or takes too long."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        ended = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            env=environment | {"GIT_OPTIONAL_LOCKS": "0"},
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return None
    return ended.stdout.strip() if ended.returncode == 0 else None


def _known(answer: str | int | Unavailable) -> Fact:
    """Return an answer as a fact: None stands for what this machine does not say."""
    return None if isinstance(answer, Unavailable) else answer
