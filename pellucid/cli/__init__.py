"""The command line."""

from pellucid.command import end_quietly

end_quietly()

from pellucid.cli.main import main  # noqa: E402 (its imports take long enough to be interrupted)

__all__ = ["main"]
