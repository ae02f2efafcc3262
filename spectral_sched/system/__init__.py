"""What the machine and its user say: cores, requests to stop, standard streams."""
