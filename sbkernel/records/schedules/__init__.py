"""Notebooks that run by themselves: what is to run and when, the timer that starts it, the guard around the run.

A schedule is a file below schedules/ of the site; a systemd timer or a line of cron only starts
`python -m sbkernel.records.schedules SITE NAME`. It must not decide what is in a record: the run is `sb run`.
"""
