from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

sys.path.append(str(Path(__file__).resolve().parents[1] / "e2e"))

from stack import given_or_started

CHROMIUM = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
# Without these, Chromium looks for hosts on the network that have nothing to do with us.
QUIET = (
    *("--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--disable-quic"),
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--url", help="run the journey on this stack instead of starting one")


@pytest.fixture(scope="session")
def origin(pytestconfig: pytest.Config) -> Iterator[str]:
    """Where the stack under test is: `--url`, CHATIRE_E2E_URL, or a new one."""
    with given_or_started(pytestconfig.getoption("--url")) as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium of this machine."""
    path = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip(f"no browser on this machine: none of {', '.join(CHROMIUM)} is on PATH")
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*QUIET, *sandbox])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser, origin: str) -> Iterator[Callable[[str], Page]]:
    """Opens the web client in a browser profile of its own; what goes wrong in a page fails the test."""
    pages: dict[str, Page] = {}
    broken: list[str] = []

    def open_for(name: str) -> Page:
        page = pages[name] = browser.new_context(viewport={"width": 1200, "height": 800}).new_page()
        page.on("pageerror", lambda error: broken.append(f"{name}: {error}"))
        page.on("console", lambda line: broken.append(f"{name}: {line.text}") if _is_violation(line.text) else None)
        page.goto(origin)
        return page

    yield open_for
    _keep_pictures(pages)
    for page in pages.values():
        page.context.close()
    assert not broken


def _is_violation(text: str) -> bool:
    return "Content Security Policy" in text or "[Vue warn]" in text


def _keep_pictures(pages: dict[str, Page]) -> None:
    folder = os.environ.get("CHATIRE_SCREENSHOTS")
    for name, page in pages.items():
        if folder:
            page.screenshot(path=f"{folder}/{name}.png")
