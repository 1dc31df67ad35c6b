"""Every page of the built book, as a reader meets it: on a screen, on a phone, in the dark."""

import base64
import importlib
import inspect
import re
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlparse

import nbformat
import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from arae_book.address import badge, repository

pytestmark = pytest.mark.browser

SCREEN = {"width": 1280, "height": 900, "deviceScaleFactor": 1, "mobile": False}
PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}


@pytest.fixture(scope="module")
def shown(page, open_page):
    """The browser, with the page loaded once for all tests below."""
    return open_page(page)


@pytest.fixture(scope="module")
def phone(page, open_page, browser):
    """The page loaded at the width of a phone."""
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
    yield open_page(page)
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_the_page_loads_without_script_errors(shown):
    assert shown.find_element(By.CSS_SELECTOR, "article h1").text.strip()
    errors = [entry["message"] for entry in shown.get_log("browser") if "Uncaught" in entry["message"]]
    # Known and harmless: the theme writes one line twice into each page, and ipywidgets asks for MathJax 2 to
    # typeset its labels (so they must not hold equations; the next test would see it).
    known = ("'THEBE_JS_URL' has already been declared", "reading 'Queue'")
    assert [error for error in errors if not any(line in error for line in known)] == []


def test_equations_are_typeset(shown):
    assert shown.execute_script(RAW_LATEX) == []
    assert shown.find_elements(By.CSS_SELECTOR, "mjx-merror") == []


def test_tables_are_drawn_as_tables(shown):
    """Markdown that a cell puts out is not read as the pages' own is: its tables once came out as text."""
    text = shown.find_element(By.CSS_SELECTOR, "article").text
    assert "| :--" not in text and "| --:" not in text and "| :-" not in text


def test_every_picture_is_there_and_described(shown):
    pictures = shown.execute_script(PICTURES)
    assert [picture for picture in pictures if not picture["loaded"]] == []
    assert [picture for picture in pictures if not picture["text"]] == []


def test_links_within_the_book_lead_somewhere(shown, site):
    missing = []
    for link in {a.get_attribute("href") for a in shown.find_elements(By.CSS_SELECTOR, "a[href]")}:
        file, fragment = urldefrag(link or "")
        if urlparse(file).scheme == "file":
            target = Path(unquote(urlparse(file).path))
            target = target / "index.html" if target.is_dir() else target
            anchored = not fragment or target.suffix != ".html" or not target.exists() or (
                f'id="{unquote(fragment)}"' in target.read_text(encoding="utf-8"))
            if not target.exists() or not anchored:
                missing.append(link.removeprefix(site.as_uri()))
    assert missing == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_is_legible_in_both_themes(shown, page, theme, root):
    shown.execute_script("document.documentElement.dataset.theme = arguments[0]", theme)
    save_screenshot(shown, SCREEN, root, f"{page}-{theme}")
    light = shown.execute_script(LUMINANCE, "background-color")
    assert (light > 0.8) if theme == "light" else (light < 0.1)
    text = shown.execute_script(LUMINANCE, "color")
    assert (max(light, text) + 0.05) / (min(light, text) + 0.05) >= 4.5      # the WCAG contrast for body text


def test_nothing_is_wider_than_a_phone(phone):
    assert phone.execute_script("return document.documentElement.scrollWidth") <= PHONE["width"]
    assert phone.execute_script(TOO_WIDE, PHONE["width"]) == []


def test_a_picture_of_the_page_on_a_phone(phone, page, root):
    phone.execute_script("document.documentElement.dataset.theme = 'light'")
    assert save_screenshot(phone, PHONE, root, f"{page}-phone").stat().st_size > 0


def test_the_first_page_is_the_landing_page(open_page, browser, site):
    open_page("book/index")
    landing = browser.current_url
    browser.get((site / "index.html").as_uri())
    browser.implicitly_wait(5)
    assert browser.find_element(By.CSS_SELECTOR, "article h1").text
    browser.implicitly_wait(0)
    assert browser.current_url == landing


def test_each_slider_shows_its_frames_by_keyboard(chapter, open_page, root):
    page = open_page(chapter)
    wanted = (root / f"{chapter}.ipynb").read_text(encoding="utf-8").count("figures.frame_slider(")
    handles = [handle for handle in page.find_elements(By.CSS_SELECTOR, ".noUi-handle") if handle.is_displayed()]
    assert handles, "the chapter has no slider"
    assert len(handles) == wanted, "not every slider of the chapter is on the page"
    for handle in handles:
        page.execute_script("arguments[0].scrollIntoView({block: 'center'}); arguments[0].focus()", handle)
        handle.send_keys(Keys.HOME)
        seen, value = [page.execute_script(VISIBLE_FRAMES)], None
        while value != (value := handle.get_attribute("aria-valuetext")) and len(seen) < 100:
            handle.send_keys(Keys.ARROW_RIGHT)
            seen.append(page.execute_script(VISIBLE_FRAMES))
        assert all(frames for frames in seen), "a position of the slider shows no picture"
        assert len({tuple(frames) for frames in seen}) >= 5


def test_the_badge_opens_this_chapter_at_the_configured_address(chapter, open_page, root):
    page = open_page(chapter)
    address, branch = repository(root)
    expected = badge(address, f"{chapter}.ipynb", branch=branch).rpartition("(")[2][:-1]
    badges = [image.find_element(By.XPATH, "..").get_attribute("href")
              for image in page.find_elements(By.CSS_SELECTOR, 'img[alt="Open in Colab"]')]
    assert badges == [expected]


def test_the_loops_and_networks_that_a_chapter_shows_are_there(chapter, open_page, root):
    """The source itself, highlighted and with a link to its file, and no directive as text."""
    page = open_page(chapter)
    cells = nbformat.read(root / f"{chapter}.ipynb", as_version=4).cells
    texts = [cell.source for cell in cells if cell.cell_type == "markdown"]
    shown = [match for text in texts for match in re.finditer(r"literalinclude\} \.\./\.\./(\S+)\n((?::.*\n)*)", text)]
    blocks = [block.text for block in page.find_elements(By.CSS_SELECTOR, ".highlight-python")]
    for match in shown:
        options = dict(re.findall(r":([\w-]+): *(.*)", match[2]))
        name = options["pyobject"].split(".")[-1]
        begins = [options["start-at"]] if "start-at" in options else [f"def {name}(", f"class {name}"]
        assert any(begin in block for begin in begins for block in blocks), options
    article = page.find_element(By.CSS_SELECTOR, "article")
    assert "literalinclude" not in article.text and ":pyobject:" not in article.text
    linked = {link.get_attribute("href") for link in article.find_elements(By.CSS_SELECTOR, "a[href*='/arae_core/']")}
    address, branch = repository(root)
    assert shown and {f"{address}/blob/{branch}/{match[1]}" for match in shown} <= linked


def test_an_api_page_describes_what_its_package_exports(api_page, open_page):
    """Every name of the package that has a text, with a link to its source."""
    page = open_page(api_page)
    described = {entry.get_attribute("id") for entry in page.find_elements(By.CSS_SELECTOR, "dl.py dt.sig-object")}
    for name in packages_of(page):
        module = importlib.import_module(name)
        exported = {f"{name}.{each}" for each in module.__all__ if inspect.getdoc(getattr(module, each))
                    and (inspect.isclass(getattr(module, each)) or inspect.isfunction(getattr(module, each)))}
        assert exported and exported - described == set()
    sources = page.find_elements(By.CSS_SELECTOR, "dl.py dt.sig-object a.viewcode-link, dl.py dt a[href*='_modules']")
    assert len(sources) >= 2


def packages_of(page):
    """The packages of arae_core whose exports the page describes."""
    ids = {target.get_attribute("id") for target in page.find_elements(By.CSS_SELECTOR, "article [id^='module-arae_core.']")}
    return [name.removeprefix("module-") for name in ids if name not in ("module-arae_core.store", "module-arae_core.seeds")]


def save_screenshot(browser, screen: dict, root: Path, name: str) -> Path:
    """The whole page, drawn on a screen of that width, as _build/screenshots/<name>.png."""
    folder = root / "_build" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    browser.execute_script("document.activeElement.blur(); scrollTo(0, 0);"
                           "document.getAnimations().forEach(change => change.finish())")
    height = browser.execute_script("return document.documentElement.scrollHeight")
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {**screen, "height": height})
    shot = browser.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    path = folder / f"{name.rpartition('/')[2]}.png"
    path.write_bytes(base64.b64decode(shot["data"]))
    return path


RAW_LATEX = r"""
const found = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
    const node = walker.currentNode;
    if (!node.parentElement.closest('pre, code, dt.sig, script, style, noscript, mjx-container')
        && /\$\$|\$[^$\s][^$]*\$|\\[([]|\\[a-zA-Z]{2,}/.test(node.data))
        found.push(node.data.trim().slice(0, 80));
}
return found;
"""

PICTURES = """
return [...document.images].map(image => ({
    loaded: image.complete && image.naturalWidth > 0,
    text: image.alt.trim(),
    source: image.src.slice(0, 120)}));
"""

# What reaches beyond the screen and stands in no box that scrolls by itself.
TOO_WIDE = """
const phone = arguments[0];
const scrolls = element => element && element.tagName !== 'ARTICLE'
    && (getComputedStyle(element).overflowX !== 'visible' || scrolls(element.parentElement));
return [...document.querySelectorAll('article *')]
    .filter(element => element.getBoundingClientRect().right > phone + 1 && element.checkVisibility())
    .filter(element => !scrolls(element))
    .map(element => element.outerHTML.slice(0, 120));
"""

# Relative luminance (WCAG) of a colour of the first paragraph, or of the ground it stands on.
LUMINANCE = """
const property = arguments[0];
let element = document.querySelector('article p'), colour;
do { colour = getComputedStyle(element).getPropertyValue(property); element = element.parentElement; }
while (element && /rgba\\(.*, 0\\)/.test(colour));
return colour.match(/[\\d.]+/g).slice(0, 3).map(value => value / 255)
    .map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
    .reduce((sum, value, i) => sum + value * [0.2126, 0.7152, 0.0722][i], 0);
"""

VISIBLE_FRAMES = """
return [...document.querySelectorAll('.jupyter-widgets img')].filter(image => image.checkVisibility())
    .map(image => image.src);
"""
