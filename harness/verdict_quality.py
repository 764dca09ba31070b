"""Decides about quality, as `verdict` does about time: example by example, with what few examples cannot tell said.

Pure; no clock, file or test runner.
"""
