"""The large run that bench/ measures the page with is tested here, too."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))
