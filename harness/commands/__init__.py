"""The commands of `quantgate`, one module each: `add` declares its words, `run` does it and returns an exit code."""
