"""The verbs on versions: which there are, test boots, roll-outs, going back."""
