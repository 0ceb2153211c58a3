"""The text files an osimage points to: pkglist, otherpkglist, exlist, synclist, fstab.

Owns their grammars: text in, values and diagnostics out. Must not run anything or decide what is installed.
"""
