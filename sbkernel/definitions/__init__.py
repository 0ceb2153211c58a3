"""What the site says it has: osimage, node, group, network, passwd, site and xCAT's smaller objects.

Nothing here prints, and nothing outside writes to the store. The folders: tables/ (the attribute table), store/,
computed/ (values from a node's name), ranges/ (noderanges), xcattables/ (xCAT's tables as views of the objects),
objectverbs/ (what lsdef, mkdef, chdef and rmdef do), editing/ (Python and pandas), importing/.
"""
