"""A driver of paper: the part of pynvml that the probes ask."""

from types import SimpleNamespace


class FakeNVMLError(Exception):
    pass


class FakeNvml:
    """GPUs by index; a question listed in `refused` is answered as a driver that does not support it."""

    NVMLError = FakeNVMLError
    NVML_TEMPERATURE_GPU = 0
    NVML_CLOCK_SM = 1

    def __init__(self, names: tuple[str, ...] = ("H200",), refused: tuple[str, ...] = ()) -> None:
        self.names = names
        self.refused = refused
        self.energy_millijoules = [5000]
        self.reasons = 0
        self.compute = {100: 3 << 30, 200: 1 << 30}
        self.graphics: dict[int, int | None] = {}

    def __getattribute__(self, name: str):
        if name.startswith("nvml") and name in object.__getattribute__(self, "refused"):

            def refuse(*asked):
                raise FakeNVMLError("Not Supported")

            return refuse
        return object.__getattribute__(self, name)

    def nvmlDeviceGetCount(self):  # noqa: N802
        return len(self.names)

    def nvmlDeviceGetHandleByIndex(self, index):  # noqa: N802
        if index >= len(self.names):
            raise FakeNVMLError("Invalid Argument")
        return index

    def nvmlDeviceGetHandleByUUID(self, uuid):  # noqa: N802
        return {"GPU-b": 1, "GPU-a": 0}[uuid]

    def nvmlDeviceGetName(self, handle):  # noqa: N802
        return self.names[handle].encode()

    def nvmlDeviceGetCudaComputeCapability(self, handle):  # noqa: N802
        return [9, 0]

    def nvmlDeviceGetMemoryInfo(self, handle):  # noqa: N802
        return SimpleNamespace(total=139 << 30)

    def nvmlDeviceGetTemperature(self, handle, sensor):  # noqa: N802
        return 41

    def nvmlDeviceGetClockInfo(self, handle, clock):  # noqa: N802
        return 1980

    def nvmlDeviceGetCurrentClocksEventReasons(self, handle):  # noqa: N802
        return self.reasons

    def nvmlDeviceGetTotalEnergyConsumption(self, handle):  # noqa: N802
        return self.energy_millijoules.pop(0)

    def nvmlDeviceGetComputeRunningProcesses(self, handle):  # noqa: N802
        return [SimpleNamespace(pid=pid, usedGpuMemory=held) for pid, held in self.compute.items()]

    def nvmlDeviceGetGraphicsRunningProcesses(self, handle):  # noqa: N802
        return [SimpleNamespace(pid=pid, usedGpuMemory=held) for pid, held in self.graphics.items()]

    def nvmlSystemGetDriverVersion(self):  # noqa: N802
        return "570.86"

    def nvmlSystemGetCudaDriverVersion(self):  # noqa: N802
        return 12080
