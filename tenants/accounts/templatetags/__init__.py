"""What the templates of the accounts ask for."""
