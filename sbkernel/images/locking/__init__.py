"""The exact packages of an osimage as a file that is kept with its lists, and a mirror that holds just these."""
