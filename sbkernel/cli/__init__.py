"""xCAT's verbs and a few of our own: parse, call, print.

One file per verb, named after it. The only room that prints and the only one that exits.
"""
