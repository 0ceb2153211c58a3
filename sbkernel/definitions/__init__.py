"""What the site says it has: osimage, node, group, network, passwd and site objects.

Owns the attribute table, validation, stanza text, noderange, group inheritance and the store behind one narrow
interface. Must not touch images, nodes or the network; knows nothing of the directories of a site.
"""
