"""Takes the pictures of docs/images from a running demo: `python docs/take_screenshots.py --help`."""

import argparse
import re
import shutil
import struct
import sys
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, sync_playwright

IMAGES: Final = Path(__file__).parent / "images"
DESK, PHONE = (1440, 900), (390, 844)
LIGHT: Final = (
    "sign-in", "home", "tasks", "board", "task", "projects", "workspaces", "workspace", "mapping", "sync-runs",
    "sync-run", "users", "connect", "palette", "monitor", "conflicts", "conflict", "dry-run", "core-databases",
    "description", "window", "branding", "letter", "domains", "directory", "access", "sign-in-rules", "portal",
    "portal-project", "support-access", "my-sign-in",
)  # fmt: skip
DARK: Final = (
    "sign-in",
    "home",
    "tasks",
    "board",
    "mapping",
    "sync-run",
    "monitor",
    "conflict",
    "dry-run",
    "branding",
)
SMALL: Final = ("home", "tasks", "board", "task", "workspace", "sync-run", "monitor", "conflict", "portal")

# A picture in 256 colours: the commonest as they are, the rest by the mean of their neighbourhood.
QUANTISE: Final = """async (source) => {
  const image = new Image();
  image.src = source;
  await image.decode();
  const canvas = new OffscreenCanvas(image.width, image.height);
  const context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  const data = new Uint32Array(context.getImageData(0, 0, image.width, image.height).data.buffer);
  const counts = new Map();
  for (const pixel of data) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
  const ranked = [...counts].sort((a, b) => b[1] - a[1]);
  const split = (pixel) => [pixel & 255, (pixel >> 8) & 255, (pixel >> 16) & 255];
  const palette = ranked.slice(0, 144).map(([pixel]) => split(pixel));
  const boxes = new Map();
  for (const [pixel, count] of ranked.slice(144)) {
    const [r, g, b] = split(pixel);
    const key = (r >> 4) << 8 | (g >> 4) << 4 | b >> 4;
    const box = boxes.get(key) ?? [0, 0, 0, 0];
    boxes.set(key, [box[0] + r * count, box[1] + g * count, box[2] + b * count, box[3] + count]);
  }
  const means = [...boxes.values()].sort((a, b) => b[3] - a[3]).slice(0, 256 - palette.length);
  for (const [r, g, b, n] of means) palette.push([r / n, g / n, b / n].map(Math.round));
  const nearest = new Map();
  for (const pixel of counts.keys()) {
    const [r, g, b] = split(pixel);
    let best = 0, least = Infinity;
    palette.forEach(([x, y, z], at) => {
      const far = (r - x) ** 2 * 2 + (g - y) ** 2 * 4 + (b - z) ** 2;
      if (far < least) [best, least] = [at, far];
    });
    nearest.set(pixel, best);
  }
  let indices = '';
  for (const pixel of data) indices += String.fromCharCode(nearest.get(pixel));
  return [image.width, image.height, palette.flat(), btoa(indices)];
}"""


def main() -> None:
    """Sign in to a demo and take every page light, some dark and some on a phone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", default="http://acme.localhost:8000", help="a company's address")
    parser.add_argument("--email", required=True, help="its owner's address, as the demo printed it")
    parser.add_argument("--password", required=True, help="the password the demo printed")
    parser.add_argument("--only", nargs="*", default=[], help="names of pages; all of them when left out")
    options = parser.parse_args()
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        workshop = browser.new_page()
        for suffix, theme, size, names in (
            ("light", "light", DESK, LIGHT),
            ("dark", "dark", DESK, DARK),
            ("phone", "light", PHONE, SMALL),
        ):
            wanted = [name for name in names if not options.only or name in options.only]
            if not wanted:
                continue
            with window(browser, options.base, theme, size) as page:
                for name, shown in walk(page, options.email, options.password, wanted):
                    path = IMAGES / f"{name}-{suffix}.png"
                    path.write_bytes(in_few_colours(workshop, shown))
                    sys.stdout.write(f"{path.name}: {path.stat().st_size // 1000} kB\n")
        browser.close()


@contextmanager
def window(browser: Browser, base: str, theme: str, size: tuple[int, int]) -> Iterator[Page]:
    """A window of a size and theme, without motion."""
    context = browser.new_context(
        base_url=base,
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if theme == "dark" else "light",
        reduced_motion="reduce",
        is_mobile=size == PHONE,
        has_touch=size == PHONE,
    )
    yield context.new_page()
    context.close()


def walk(page: Page, email: str, password: str, wanted: list[str]) -> Iterator[tuple[str, bytes]]:
    """Each wanted page's name with its picture, as Chromium takes it."""
    page.goto("/account/sign-in/")
    if "sign-in" in wanted:
        yield "sign-in", page.screenshot()
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(lambda url: "sign-in" not in url)
    for name in wanted:
        if name == "sign-in":
            continue
        open_page(page, name)
        if name not in ("sync-run", "dry-run"):  # their pages go on listening
            page.wait_for_load_state("networkidle")
        yield name, page.screenshot()


def open_page(page: Page, name: str) -> None:
    """Go where the page of that name is; of several workspaces and tasks, to the one with most to show."""
    match name:
        case "task":
            page.goto("/tasks/?status=blocked&sort=-priority")
            links = page.locator("tbody .task-link")
            for address in [link.get_attribute("href") or "" for link in links.all()]:
                page.goto(address)
                if page.locator(".prose").count() and page.locator(".task-links a").count():
                    break
        case "workspace" | "mapping" | "sync-run":
            page.goto("/workspaces/")
            page.locator(".workspace-card a").last.click()
            page.wait_for_url(re.compile(r"/workspaces/[0-9a-f-]{36}/$"))
            if name == "mapping":
                page.get_by_role("link", name="Mapping").nth(1).click()
                page.wait_for_url("**/databases/**")
            if name == "sync-run":
                page.get_by_role("button", name="Sync now").click()
                page.wait_for_url("**/sync/runs/*/")
                page.locator("#live .step-done").nth(1).wait_for(timeout=60_000)
        case "conflict":
            page.goto("/sync/conflicts/?state=all")
            page.goto(page.locator("tbody a").first.get_attribute("href") or "")
        case "dry-run":
            page.goto("/workspaces/")
            page.locator(".workspace-card a").first.click()
            page.get_by_role("button", name="Dry run").click()
            page.wait_for_url("**/sync/runs/*/")
            page.locator("#h-plan").wait_for(timeout=120_000)
        case "core-databases" | "description":
            page.goto("/workspaces/")
            page.locator(".workspace-card a").first.click()
            page.wait_for_url(re.compile(r"/workspaces/[0-9a-f-]{36}/$"))
            page.goto(f"{page.url}{'setup/' if name == 'core-databases' else name + '/'}")
        case "window":
            page.goto("/tasks/?status=in_progress")
            page.goto(page.locator("tbody .task-link").first.get_attribute("href") or "")
            page.goto(page.get_by_role("link", name="Open in Notion").get_attribute("href") or "")
        case "portal" | "portal-project":
            page.goto("/portal/")  # a colleague sees it as the first client does
            page.goto(page.locator("tbody a[href*='/portal/as/']").first.get_attribute("href") or "")
            if name == "portal-project":
                page.goto(page.locator("main a[href*='/projects/']").first.get_attribute("href") or "")
        case "directory":
            page.goto("/settings/directories/")
            known = page.locator("main a[href^='/settings/directories/']")
            if known.count():
                page.goto(known.first.get_attribute("href") or "")
        case "palette":
            page.goto("/")
            page.keyboard.press("Control+k")
            page.keyboard.type("invoice")
            page.locator("#palette-found [role=option]").first.wait_for()
        case _:
            page.goto(ADDRESSES[name])


ADDRESSES: Final = {
    "home": "/",
    "tasks": "/tasks/",
    "board": "/tasks/board/",
    "projects": "/tasks/projects/",
    "workspaces": "/workspaces/",
    "connect": "/workspaces/connect/",
    "sync-runs": "/sync/runs/",
    "monitor": "/sync/",
    "conflicts": "/sync/conflicts/",
    "users": "/settings/users/",
    "access": "/settings/access/",
    "sign-in-rules": "/settings/sign-in-rules/",
    "branding": "/settings/branding/",
    "letter": "/settings/branding/letters/invitation/",
    "domains": "/settings/domains/",
    "support-access": "/settings/support-access/",
    "my-sign-in": "/settings/my-sign-in/",
}


def in_few_colours(workshop: Page, picture: bytes) -> bytes:
    """The same picture as a PNG with a palette, less than half as large."""
    width, height, palette, encoded = workshop.evaluate(
        QUANTISE, f"data:image/png;base64,{b64encode(picture).decode()}"
    )
    indices = b64decode(encoded)
    rows = b"".join(b"\0" + indices[at : at + width] for at in range(0, len(indices), width))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (
            chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            chunk(b"PLTE", bytes(palette)),
            chunk(b"IDAT", zlib.compress(rows, 9)),
            chunk(b"IEND", b""),
        )
    )


def chunk(kind: bytes, content: bytes) -> bytes:
    """One part of a PNG file."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


if __name__ == "__main__":
    main()
