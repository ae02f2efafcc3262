"""What the machine and its user say: cores that may be used, requests to stop."""
