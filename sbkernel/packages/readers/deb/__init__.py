"""Debian packages: dpkg's database, apt's records and lists, copyright files (deb-version(7), deb-control(5))."""
