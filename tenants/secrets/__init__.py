"""The vault: encrypted values of one company, and the keys they are sealed with."""
