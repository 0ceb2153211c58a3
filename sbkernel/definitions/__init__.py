"""What the site says it has: osimage, node, group, network, passwd, site and xCAT's smaller objects.

tables/ is the attribute table; store/ keeps objects; ranges/ reads noderanges; xcattables/ shows objects as xCAT's
tables; objectverbs/ is the core of lsdef, mkdef, chdef, rmdef; editing/ is Python and pandas; cloning/, importing/.
Nothing here prints, and nothing outside writes to the store.
"""
