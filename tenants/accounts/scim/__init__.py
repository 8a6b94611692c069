"""SCIM 2.0: directories of the company's that keep people and groups in step."""
