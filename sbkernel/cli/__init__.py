"""xCAT's verbs and a few of our own: parse, call, print.

There is one file for each verb, named after it, in a folder named like the room that does its work. Only this room
prints, and only this room exits. magic/ runs verbs in a notebook.
"""
