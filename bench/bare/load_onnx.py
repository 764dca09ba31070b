"""What the harness is compared with: imports the runtime, loads the model, makes its first input.

Takes the file, the root of the project, and the module and name of the model whose first example is the input: the same
code makes it on both sides. Says when it could run.
"""

import sys
import time
from importlib import import_module
from pathlib import Path
from tempfile import gettempdir

import numpy as np
import onnxruntime

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
options.inter_op_num_threads = 1
options.log_severity_level = 4
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])

sys.path.insert(0, sys.argv[2])
from harness.models import Setting  # noqa: E402

model = next(one for one in import_module(sys.argv[3]).MODELS if one.name == sys.argv[4])
inputs = model.workload(Setting(made=Path(gettempdir()))).examples[0].load()
ready = time.monotonic_ns()
assert session.get_inputs()
assert inputs
assert np.__version__
print(ready)
