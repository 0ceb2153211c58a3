"""Values computed from a node's name: xCAT's `|regex|text|`, `|text|` and `/regex/text/` (xcatdb(5))."""
