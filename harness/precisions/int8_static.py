"""8-bit weights and activations, the ranges of the activations fixed beforehand from calibration examples."""

from __future__ import annotations

from harness.errors import UsageProblem
from harness.precisions import Converted, Job, Recipe


def from_onnx(job: Job) -> Converted:
    """Quantize with `quantize_static` into QDQ form, 8-bit unsigned activations, signed weights per channel.

    Settings: `method` (MinMax unless told otherwise: Entropy fails on examples of unequal length), `op_types`,
    `exclude` (node names), `per_channel`, `reduce_range` (7-bit weights, for CPUs whose 8-bit products saturate),
    `activation_type`, `weight_type`, `extra_options`.
    """
    from harness.precisions import onnx_steps

    if job.calibration is None:
        raise UsageProblem("int8-static needs calibration examples; give the model a `calibration` or ask int8-dynamic")
    defaults = {
        "method": "MinMax",
        "op_types": (),
        "exclude": (),
        "per_channel": True,
        "reduce_range": False,
        "activation_type": "QUInt8",
        "weight_type": "QInt8",
        "extra_options": {},
    }
    chosen = onnx_steps.settings(job, defaults)
    with onnx_steps.workbench(job):
        from onnxruntime.quantization import QuantFormat, quantize_static

        reader = onnx_steps.CalibrationFeed(job.calibration())
        quantize_static(
            onnx_steps.load(job),
            job.target,
            reader,
            quant_format=QuantFormat.QDQ,
            calibrate_method=onnx_steps.calibration_method(chosen["method"]),
            op_types_to_quantize=list(chosen["op_types"]),
            nodes_to_exclude=list(chosen["exclude"]),
            per_channel=chosen["per_channel"],
            reduce_range=chosen["reduce_range"],
            activation_type=onnx_steps.quant_type(chosen["activation_type"]),
            weight_type=onnx_steps.quant_type(chosen["weight_type"]),
            extra_options=dict(chosen["extra_options"]),
        )
    return onnx_steps.finish(job, {**chosen, "calibration_examples": reader.taken})


RECIPE = Recipe(
    name="int8-static",
    summary="8-bit weights and activations, calibrated",
    version=1,
    conversions={"onnx": from_onnx},
    distributions={"onnx": ("onnx", "onnxruntime")},
)
