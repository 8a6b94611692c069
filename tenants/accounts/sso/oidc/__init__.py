"""OpenID Connect and GitHub: discovery, the code flow, and who somebody turned out to be."""
