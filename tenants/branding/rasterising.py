"""Draws an SVG from standard input as a PNG on standard output; a program of its own, under hard limits.

An image can ask for more time and memory than it is worth in ways no check foresees. Here that ends this process and
nobody else's. It knows nothing of the product: no settings, no database, no environment.
"""

import resource
import sys

import resvg_py

MOST_SECONDS, MOST_BYTES = 3, 1024**3


def main() -> None:
    """Read the drawing, write the picture; `argv` holds width and height in pixels."""
    width, height = int(sys.argv[1]), int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    drawing = sys.stdin.buffer.read().decode()
    picture = resvg_py.svg_to_bytes(svg_string=drawing, width=width, height=height, skip_system_fonts=True)
    sys.stdout.buffer.write(bytes(picture))


if __name__ == "__main__":
    main()
