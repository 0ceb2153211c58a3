"""Debian packages: dpkg's database, apt's books and lists, copyright files (deb-version(7), deb-control(5))."""
