"""Single sign-on: providers a company sets up for itself, and what is believed of what they say."""
