"""Why a boot stands still: the words that tell it, how long a stage usually takes, and the decision. Pure."""
