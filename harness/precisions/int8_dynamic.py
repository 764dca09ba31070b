"""8-bit weights; activations are quantized while the model runs, by the range they happen to have."""

from __future__ import annotations

from harness.precisions import Converted, Job, Recipe


def from_onnx(job: Job) -> Converted:
    """Quantize with `quantize_dynamic`.

    Settings: `weight_type` (QUInt8 unless told otherwise: QInt8 is several times slower where it is not fused),
    `op_types`, `exclude` (node names), `per_channel`, `reduce_range`, `extra_options` (as `WeightSymmetric`).
    """
    from harness.precisions import onnx_steps

    defaults = {
        "weight_type": "QUInt8",
        "op_types": (),
        "exclude": (),
        "per_channel": False,
        "reduce_range": False,
        "extra_options": {},
    }
    chosen = onnx_steps.settings(job, defaults)
    with onnx_steps.workbench(job):
        from onnxruntime.quantization import quantize_dynamic

        quantize_dynamic(
            onnx_steps.load(job),
            job.target,
            weight_type=onnx_steps.quant_type(chosen["weight_type"]),
            op_types_to_quantize=list(chosen["op_types"]),
            nodes_to_exclude=list(chosen["exclude"]),
            per_channel=chosen["per_channel"],
            reduce_range=chosen["reduce_range"],
            extra_options=dict(chosen["extra_options"]),
        )
    return onnx_steps.finish(job, chosen)


def from_torch(job: Job) -> Converted:
    """Pack Linear, LSTM and GRU for the engine, with `torch.ao`. Setting: `exclude` (module names or patterns)."""
    from harness.precisions import torch_steps

    return torch_steps.dynamic(job)


RECIPE = Recipe(
    name="int8-dynamic",
    summary="8-bit weights, activations quantized while running",
    version=2,
    conversions={"onnx": from_onnx, "torch-state": from_torch},
    distributions={"onnx": ("onnx", "onnxruntime"), "torch-state": ("torch",)},
)
