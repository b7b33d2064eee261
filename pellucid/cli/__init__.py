"""The command line."""

from pellucid.cli.main import main

__all__ = ["main"]
