"""Roll-outs: nodes get a version of an image wave by wave; when a wave goes wrong, all go back by themselves."""
