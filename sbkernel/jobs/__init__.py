"""The one door to subprocess, and long work as jobs that outlive the kernel that started them.

Owns processes, events on disk, cancel and re-attach. Must not know what a job does.
"""
