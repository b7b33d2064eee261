"""Names of columns on the command line."""

from collections.abc import Sequence

from pellucid.data import Table


def column_names(texts: Sequence[str], table: Table) -> list[str]:
    """The names in texts such as "id,name"; a text that is the name of a column is not divided."""
    known = {*table.names, *table.left_out}
    names = [name for text in texts for name in ([text] if text in known else text.split(","))]
    trimmed = [name if name in known else name.strip() for name in names if name]
    return list(dict.fromkeys(trimmed))
