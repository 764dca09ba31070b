"""Whether a precision is worth shipping: speed, memory, size and quality of a cell beside its fp32, in one sentence.

Pure; reads verdicts and records, holds no measurement of its own.
"""
