"""The torch side: denoisers and the sampler that plays sigma tables with them.

Shapes: B images of C channels, H rows and W columns. Sigma is a Python float, or one
number per image, (B,); tables and coefficients stay on the host.
"""
