"""The errors that a user of Pellucid can meet and act on."""


class PellucidError(Exception):
    """Something in the data, a file or the settings is wrong; the message says what and where."""


class DataError(PellucidError):
    """A table cannot be read, or does not hold what was asked of it."""


class ModelFileError(PellucidError):
    """A model file is truncated, altered, or was not written by Pellucid."""


class RunFolderError(PellucidError):
    """A run folder exists already, is missing, or cannot be written."""


class OutOfRangeError(PellucidError, OverflowError, ValueError):
    """A number is beyond what the type that should hold it can hold."""


class TracingError(PellucidError, ValueError):
    """A function that is built into a graph once would give another graph the next time."""
