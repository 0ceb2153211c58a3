"""Rows that a node has beyond the one that its attributes show, such as a second switch port."""

from __future__ import annotations

from collections.abc import Collection

from sbkernel.definitions.store.interface import Transaction
from sbkernel.definitions.xcattables.columns import TABLES

_TABLES = [table for table in TABLES.values() if table.of_nodes and len(table.keys) > 1]


def forget(transaction: Transaction, nodes: Collection[str]) -> None:
    """Remove the further rows of nodes that are gone."""
    gone = set(nodes)
    for table in _TABLES:
        for name, values in transaction.objects(table.objtype).items():
            if values.get(table.keys[0]) in gone:
                transaction.delete(table.objtype, name)
