"""The one door to subprocess, and long work as jobs that outlive the kernel that started them.

Owns processes, orders and where they run, events on disk, cancel and reattach. Must not know what a job does.
"""
