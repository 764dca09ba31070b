"""What `--precision auto` means on a device of this machine: what a careful user would load there. Imports no runtime.

Half precision where the hardware computes in it, fp32 where it would only be emulated. A model that does not ask for
the precision found is loaded as fp32.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.cells import Device, matches
from harness.probes import Unavailable
from harness.probes.gpu import open_gpu
from harness.probes.machine import cpu_flags

AUTO = "auto"
PLAIN = "fp32"

_BF16_UNITS = {"amx_bf16": "AMX-bf16", "avx512_bf16": "AVX512-bf16"}
_BF16_CAPABILITY = (8, 0)
"""The first CUDA compute capability whose tensor cores take bf16 (Ampere)."""

Capability = Callable[[Device], tuple[int, int] | Unavailable]


@dataclass(frozen=True, slots=True)
class Choice:
    """The precision for a device, and why."""

    device: Device
    precision: str
    why: str

    @property
    def words(self) -> str:
        """Said beside the plan, after the word `auto`."""
        return f"on {self.device} means {self.precision}: {self.why}"


def _capability(device: Device) -> tuple[int, int] | Unavailable:
    gpu = open_gpu(device.index)
    return gpu if isinstance(gpu, Unavailable) else gpu.compute_capability()


@dataclass(frozen=True, slots=True)
class Machine:
    """What is asked of a machine. Its answers are the real ones' unless a test makes some up."""

    flags: Callable[[], frozenset[str]] = cpu_flags
    capability: Capability = _capability


def chosen(device: Device, machine: Machine = Machine()) -> Choice:
    """What `auto` means on a device."""
    match device.kind:
        case "cpu":
            found = next((name for flag, name in _BF16_UNITS.items() if flag in machine.flags()), None)
            if found:
                return Choice(device, "bf16", found)
            return Choice(device, PLAIN, "no AMX-bf16 or AVX512-bf16, so half precision would be emulated")
        case "cuda":
            return _on_cuda(device, machine.capability(device))
        case kind:
            return Choice(device, "fp16", f"what {kind} computes in")


def says_auto(patterns: str) -> bool:
    """Whether `auto` is one of comma-separated globs."""
    return AUTO in (pattern.strip() for pattern in patterns.split(","))


def fits(precision: str, precisions: tuple[str, ...], patterns: str, choice: Choice | None) -> bool:
    """Whether globs pick a precision of those that a model asks for."""
    if matches(precision, patterns):
        return True
    if choice is None or not says_auto(patterns):
        return False
    return precision == (choice.precision if choice.precision in precisions else PLAIN)


def _on_cuda(device: Device, capability: tuple[int, int] | Unavailable) -> Choice:
    if isinstance(capability, Unavailable):
        return Choice(device, "fp16", f"its compute capability is not known ({capability.why}), and every GPU has fp16")
    number = f"compute capability {capability[0]}.{capability[1]}"
    if capability >= _BF16_CAPABILITY:
        return Choice(device, "bf16", number)
    return Choice(device, "fp16", f"{number}, and bf16 needs 8.0")
