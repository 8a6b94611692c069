"""Whom the product believes when it calls out: the same authorities for web and mail."""

import ssl

import httpx2


def tls_context() -> ssl.SSLContext:
    """A fresh context that checks chain and name; `SSL_CERT_FILE` and `SSL_CERT_DIR` name other authorities."""
    return httpx2.create_ssl_context()
