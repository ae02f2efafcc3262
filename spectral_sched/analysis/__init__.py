"""Many images: dealt to processes or a cluster, summed up exactly, and resumed."""
