"""Metrics of what came out: fidelity to fp32, decisions, frames, speech, text. Run in a worker of their own.

A metric is a function from one example to a few numbers (`Case` → terms), with a self-check that runs wherever it is
used. How terms of many examples make a value is said by the metric's `Pool`, and computed in `stats.pooling`.
"""
