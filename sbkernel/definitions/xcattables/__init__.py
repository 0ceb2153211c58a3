"""xCAT's tables as views of the objects: rows are read from attributes and written to attributes."""
