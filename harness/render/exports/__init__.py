"""A run in the formats of other tools: every number that is exported is one of `values`, so that all of them agree."""
