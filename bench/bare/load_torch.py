"""What the harness is compared with: imports the runtime, builds the network, loads its state, says when it could run.

Takes the file of tensors and the root of the project, whose `suites.turn_network` is the network itself.
"""

import sys
import time

import torch

sys.path.insert(0, sys.argv[2])
from suites.turn_network import skeleton

torch.set_num_threads(1)
network = skeleton({"attn_implementation": "sdpa"})
network.load_state_dict(torch.load(sys.argv[1], weights_only=True, mmap=True), assign=True)
network.eval()
print(time.monotonic_ns())
