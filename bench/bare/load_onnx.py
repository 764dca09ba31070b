"""What the harness is compared with: imports the runtime, loads the model, and says when it could have run it."""

import sys
import time

import numpy as np
import onnxruntime

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
options.inter_op_num_threads = 1
options.log_severity_level = 4
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
ready = time.monotonic_ns()
assert session.get_inputs()
assert np.__version__
print(ready)
