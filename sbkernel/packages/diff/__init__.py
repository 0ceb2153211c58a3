"""What changed between manifests: matched, counted, judged by a policy, put side by side, and said in text."""
