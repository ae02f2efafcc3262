"""The families of schedules, one file each; each declares `FAMILIES`."""
