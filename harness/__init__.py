"""Quantgate: measure quantized models so that a number that cannot be trusted cannot be published unnoticed."""

__version__ = "0.1.0"
