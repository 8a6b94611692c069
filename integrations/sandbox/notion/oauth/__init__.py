"""OAuth of public connections: clients, consent, and pairs of tokens that rotate."""
