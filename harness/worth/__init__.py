"""Whether a precision is worth shipping: speed, memory, size and quality beside its fp32, in one sentence. Pure."""
