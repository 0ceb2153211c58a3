"""Power and boot device of many nodes: paced, canaries first, held nodes left alone, each change written down."""
