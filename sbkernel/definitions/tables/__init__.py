"""The attribute table, as data: names, meaning, legal values, dependencies; and the columns of xCAT's tables."""
