"""Loads the plugin when this repository is used without being installed; nothing else."""

from importlib.metadata import entry_points

if not any(entry.name == "quantgate" for entry in entry_points(group="pytest11")):
    pytest_plugins = ["harness.plugin"]
