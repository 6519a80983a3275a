"""What the end-to-end tests share: the stack, the wire, tokens, rows, and the sealed format."""
