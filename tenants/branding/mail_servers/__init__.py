"""A company's own mail server: set up, proved by a letter that arrives, used, and done without when it fails."""
