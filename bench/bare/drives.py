"""Times what a change adds to a model, in one process, on one bare session: no harness is involved.

Takes `within` (the extra part timed by itself, right after each output) or `turns` (the plain drive and the slowed one
in turns), the root of the project, the module and name of the model, the folder of made files, what is slowed and by
how much, seconds and a seed. Prints CPU and wall seconds without the change, then with it, a line a comparison.
"""

import random
import sys
import time
from importlib import import_module
from pathlib import Path

sys.path[:0] = [sys.argv[2], str(Path(__file__).parent)]
import onnxruntime  # noqa: E402
from slowed import extra_of, slowed  # noqa: E402

from harness.models import Setting  # noqa: E402

_, how, _, module, name, made, what, amount, seconds, seed = sys.argv
model = next(one for one in import_module(module).MODELS if one.name == name)
setting = Setting(made=Path(made))
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(model.reference(setting).path, options, providers=["CPUExecutionProvider"])
names = [output.name for output in session.get_outputs()]
examples = [example.load() for example in model.workload(setting).examples]
chance = random.Random(int(seed))


def call(inputs):
    return dict(zip(names, session.run(names, dict(inputs)), strict=True))


def now():
    return time.thread_time(), time.perf_counter()


def timed(drive, inputs):
    began = now()
    for _ in drive(call, inputs):
        pass
    return [after - before for before, after in zip(began, now(), strict=True)]


def within(inputs, extra):
    """One inference: the time of its outputs, and that with what is done after each."""
    spent = [0.0, 0.0, 0.0, 0.0]
    began = now()
    for _ in model.drive(call, inputs):
        plain = now()
        extra()
        ended = now()
        for clock in (0, 1):
            spent[clock] += plain[clock] - began[clock]
            spent[2 + clock] += ended[clock] - began[clock]
        began = now()
    return spent


def turns(inputs, drives):
    """Two inferences of either side around each other."""
    spent = [0.0, 0.0, 0.0, 0.0]
    for side in chance.choice(((0, 1, 1, 0), (1, 0, 0, 1))):
        for clock, passed in enumerate(timed(drives[side], inputs)):
            spent[2 * side + clock] += passed
    return spent


if how == "within":
    compare, given = within, extra_of(what, float(amount))
else:
    compare, given = turns, (model.drive, slowed(model, what, float(amount)).drive)
for _ in range(3):
    compare(examples[0], given)
end = time.monotonic() + float(seconds)
compared = 0
while compared < 3 or time.monotonic() < end:
    print(*compare(chance.choice(examples), given))
    compared += 1
