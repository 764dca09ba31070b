"""Made-up inputs that are the same on every machine and with every numpy: whole numbers of PCG64's raw stream.

numpy promises that stream to stay, and not what its `Generator` makes of it. Imports numpy inside its functions.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_PIECES = 12


def normal(seed: int, *shape: int) -> NDArray[np.float32]:
    """Draws that are normal to the eye (sums of twelve uniform ones), mean 0 and variance 1."""
    import numpy as np

    count = math.prod(shape)
    words = np.random.PCG64(seed).random_raw(count * _PIECES // 4)
    sums = words.view(np.uint16).reshape(count, _PIECES).sum(axis=1, dtype=np.int64)
    deviation = math.sqrt(_PIECES * (2**32 - 1) / 12)
    return ((sums - _PIECES * (2**16 - 1) / 2) / deviation).astype(np.float32).reshape(shape)


def below(seed: int, count: int, *shape: int) -> NDArray[np.int64]:
    """Whole numbers from 0 up to below a count, each as likely as the others (to one in four billion)."""
    import numpy as np

    words = np.random.PCG64(seed).random_raw(math.prod(shape))
    return ((words >> np.uint64(32)) * np.uint64(count) >> np.uint64(32)).astype(np.int64).reshape(shape)
