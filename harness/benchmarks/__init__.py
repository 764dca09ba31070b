"""Tests of somebody's own that use pytest-benchmark's fixture, judged by the rule that cells are judged by."""
