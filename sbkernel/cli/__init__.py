"""xCAT's verbs and a few of our own: parse, call, print.

There is one file for each verb, named after it. Only this room prints, and only this room exits. magic/ runs verbs in a
notebook.
"""
