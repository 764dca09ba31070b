"""What the harness is compared with: imports the runtime, builds the network, loads its state, makes its input.

Takes the file of tensors, the root of the project, whose `suites.turn_network` is the network itself, and the
module and name of the model whose first example is the input. Says when it could run.
"""

import sys
import time
from importlib import import_module
from pathlib import Path
from tempfile import gettempdir

import torch

sys.path.insert(0, sys.argv[2])
from suites.turn_network import skeleton

torch.set_num_threads(1)
network = skeleton({"attn_implementation": "sdpa"})
network.load_state_dict(torch.load(sys.argv[1], weights_only=True, mmap=True), assign=True)
network.eval()

from harness.models import Setting  # noqa: E402

model = next(one for one in import_module(sys.argv[3]).MODELS if one.name == sys.argv[4])
inputs = model.workload(Setting(made=Path(gettempdir()))).examples[0].load()
ready = time.monotonic_ns()
assert inputs
print(ready)
