"""What the end-to-end, monitoring, fault and load tests share: the stack and its programs, the wire, traffic, and
figures of processes."""
