"""xCAT's tables as views of the objects: rows are read from attributes and written to them; nothing is stored twice."""
