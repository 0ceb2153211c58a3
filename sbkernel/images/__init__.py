"""Definitions to bytes: plan, build the tree, make the initrd, pack, publish in the catalog.

Owns rootimgdir, the layer cache and the catalog. Must not touch nodes, firmware or the network beyond packages.
"""
