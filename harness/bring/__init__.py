"""Models that come as a file and without a declaration: their signature is read, and a declaration made of it.

Every file here may be imported by the parent; runtimes are imported inside functions that run in a worker.
"""
