"""A plain window onto the sandbox: its databases, rows and pages for a browser, and a form to edit them as a person."""
