"""From a spectrum and a solver to a sigma table, and what it is worth."""
