"""The dialect of a text file: its separator, quotation marks, header and decimal mark."""

from pellucid.data.dialect.dialect import Dialect, dialect_from_json
from pellucid.data.dialect.find import find_dialect

__all__ = ["Dialect", "dialect_from_json", "find_dialect"]
