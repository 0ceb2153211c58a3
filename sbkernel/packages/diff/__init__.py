"""What changed between manifests: matching, summary, policies, tables of many images, and all of it as text."""
