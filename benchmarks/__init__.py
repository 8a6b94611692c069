"""Benchmarks: each module measures one promise and writes ``benchmarks/results/<name>.json``."""
