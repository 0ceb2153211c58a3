"""Packed images by digest, never changed once they are there, and for each image name the pointers to them.

Owns catalog/: publishing, promoting, going back, the words that name a version, and collecting what nobody needs.
"""
