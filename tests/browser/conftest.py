"""The built book in headless Chromium, with the scripts that its pages take from the web at hand locally.

MathJax, require.js and the widgets' manager are fetched once by `npm pack` into the user's cache folder. The
book is read from a copy in which these addresses are replaced; no page reaches the network.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

import platformdirs
import pytest
import yaml

selenium = pytest.importorskip("selenium", reason="selenium is not installed")
from selenium import webdriver  # noqa: E402
from selenium.common.exceptions import TimeoutException  # noqa: E402
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402

PACKAGES = {"mathjax": "mathjax@3.2.2", "requirejs": "requirejs@2.3.4", "html-manager": "@jupyter-widgets/html-manager@1.0.6"}
# What a page asks the web for, and the local file that serves instead.
SCRIPTS = {r"/mathjax@3/es5/([\w-]+\.js)": r"mathjax/es5/\1", r"/require(?:\.min)?\.js": "requirejs/require.js",
           r"/@jupyter-widgets/html-manager@[^/]+/dist/embed-amd\.js": "html-manager/dist/embed-amd.js"}
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--host-resolver-rules=MAP * ~NOTFOUND", "--window-size=1280,900")


@pytest.fixture(scope="session")
def built(root) -> Path:
    """The folder of the built book."""
    html = root / "_build" / "html"
    if not (html / "index.html").exists():
        pytest.skip("the book is not built: make book")
    return html


@pytest.fixture(scope="session")
def scripts() -> Path:
    """A folder with the scripts of PACKAGES, one subfolder each."""
    folder = platformdirs.user_cache_path("arae") / "browser-scripts"
    for name, package in PACKAGES.items():
        target = folder / package.replace("/", "-")
        if not target.exists():
            npm = shutil.which("npm")
            if npm is None:
                pytest.skip("npm is not installed: no local copies of the pages' web scripts")
            _fetch(npm, package, target)
        link = folder / name
        if not link.exists() or link.resolve() != target:
            link.unlink(missing_ok=True)
            link.symlink_to(target.name)
    return folder


@pytest.fixture(scope="session")
def site(built, scripts, tmp_path_factory) -> Path:
    """A copy of the built book whose pages load those scripts from this machine."""
    copy = tmp_path_factory.mktemp("site") / "html"
    shutil.copytree(built, copy)

    def local(tag: re.Match) -> str:
        """The <script> tag with the local file; without `integrity`, which file:// cannot honour."""
        for asked, file in SCRIPTS.items():
            if asked := re.search(asked + "$", tag["source"]):
                defer = " defer" if "defer" in tag[0] else ""
                return f'<script{defer} src="{scripts.as_uri()}/{asked.expand(file)}">'
        return tag[0]

    for page in copy.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        text = re.sub(r'<script[^>]* src="(?P<source>https:[^"]*)"[^>]*>', local, text)
        page.write_text(text, encoding="utf-8")
    return copy


@pytest.fixture(scope="session")
def browser(site):
    """A WebDriver for headless Chromium."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    driver = shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("no Chromium with chromedriver on this machine")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        service = webdriver.ChromeService(executable_path=driver)
        with webdriver.Chrome(options=options, service=service) as chrome:
            chrome.set_page_load_timeout(60)
            yield chrome


@pytest.fixture(scope="session")
def open_page(browser, site):
    """open_page("book/index"): load a page and wait until its equations and widgets are drawn."""
    def load(name: str):
        browser.get((site / f"{name}.html").as_uri())
        try:
            WebDriverWait(browser, 20).until(lambda page: page.execute_script(READY))
        except TimeoutException:
            log = "\n".join(entry["message"] for entry in browser.get_log("browser"))
            pytest.fail(f"{name}: equations or widgets were not drawn within 20 s\n{log}", pytrace=False)
        return browser
    return load


READY = """
const all = (selector, condition) => [...document.querySelectorAll(selector)].every(condition);
return document.readyState === 'complete'
    && all('.math', equation => equation.querySelector('mjx-container'))
    && all('script[type*="widget-view"]', view => view.parentElement.querySelector('.jupyter-widgets'));
"""


def pages() -> list[str]:
    """The book's pages in reading order, as _toc.yml lists them."""
    toc = yaml.safe_load((Path(__file__).parents[2] / "_toc.yml").read_text())
    return [toc["root"], *(chapter["file"] for part in toc["parts"] for chapter in part["chapters"])]


def pytest_generate_tests(metafunc):
    chapters = [name for name in pages() if re.search(r"/\d\d_", name)]
    api = [name for name in pages() if name.startswith("book/api/")]
    for argument, names in {"page": pages(), "chapter": chapters, "api_page": api}.items():
        if argument in metafunc.fixturenames:
            metafunc.parametrize(argument, names, scope="module")


def _fetch(npm: str, package: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        packed = subprocess.run([npm, "pack", "--silent", package], cwd=folder, text=True, capture_output=True, timeout=300)
        if packed.returncode:
            pytest.skip(f"npm could not fetch {package}: {packed.stderr.strip().splitlines()[-1:]}")
        with tarfile.open(next(Path(folder).glob("*.tgz"))) as archive:
            archive.extractall(folder, filter="data")
        os.replace(Path(folder) / "package", target)
