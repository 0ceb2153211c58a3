"""The attribute table, one file an object type. Data only: names, meaning, legal values, dependencies."""
