"""What there is of an image and who uses it: listed, promoted, gone back to, and removed when nobody needs it."""
