"""Accepted results, one small file a cell and machine class: how they are kept, loosened and compared with."""
