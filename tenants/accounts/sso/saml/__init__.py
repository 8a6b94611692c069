"""SAML 2.0: what is asked, what is answered, and every reason not to believe it."""
