"""What the end-to-end tests share beside the harness: rows, key rings, the sealed format, and races."""
