"""Identity providers nobody here wrote: `saml-idp` and `oidc-provider`, started as processes of their own."""
