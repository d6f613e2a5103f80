"""To and from other programs. What they need is installed on request."""
