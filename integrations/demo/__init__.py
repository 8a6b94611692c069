"""The demo: everything the product needs, started on this machine, and two invented companies to look at."""
