"""Pages: what they are made of is what their sources make, and nothing in their data can do anything."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import zipfile
from html import unescape
from pathlib import Path

import pytest

from harvester.web.page import Bundle, build_page, escape_json, hash_source, read_bundle
from support.project import ROOT

SOURCES = ROOT / "web"
BUNDLES = ROOT / "harvester" / "web" / "bundles"
NAMES = sorted(path.parent.name for path in SOURCES.glob("src/*/main.ts"))
NASTY = '</script><script>alert(1)</script><!-- \u2028 \u2029 & " \\ ]]>'


@pytest.mark.parametrize("name", NAMES)
def test_each_page_has_its_bundle_with_the_licences_of_what_is_in_it(name: str) -> None:
    bundle = read_bundle(name)
    assert bundle.script
    assert bundle.style
    assert bundle.licenses.count("(ISC)") + bundle.licenses.count("(MIT)") >= 1
    assert "Permission" in bundle.licenses


@pytest.mark.parametrize("name", NAMES)
def test_no_bundle_ends_the_element_that_it_stands_in(name: str) -> None:
    bundle = read_bundle(name)
    assert not re.search(r"</script|<!--", bundle.script, re.IGNORECASE)
    assert not re.search(r"</style", bundle.style, re.IGNORECASE)
    assert "-->" not in bundle.licenses


def test_there_is_no_bundle_without_its_sources() -> None:
    assert {path.name for path in BUNDLES.iterdir()} == {
        f"{name}.{kind}" for name in NAMES for kind in ("js", "css", "licenses.txt")
    }


def test_bundles_are_what_their_sources_make() -> None:
    if not (shutil.which("node") and (SOURCES / "node_modules" / "esbuild").is_dir()):
        pytest.skip("needs node and web/node_modules: make vendor installs them")
    done = subprocess.run(["node", "build.mjs", "--check"], cwd=SOURCES, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_no_file_names_a_registry() -> None:
    for path in SOURCES.glob("*.json"):
        assert "://" not in path.read_text("utf-8"), path


def test_every_package_is_held_to_its_digest() -> None:
    packages = json.loads((SOURCES / "package-lock.json").read_text("utf-8"))["packages"]
    assert all(package["integrity"].startswith("sha512-") for path, package in packages.items() if path)


def test_the_wheel_holds_the_bundles_and_their_licences(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as file:
        names = file.namelist()
    for path in BUNDLES.iterdir():
        assert f"harvester/web/bundles/{path.name}" in names
    kept = {name.partition(".dist-info/licenses/")[2] for name in names}
    assert {"LICENSE", *(f"harvester/web/bundles/{name}.licenses.txt" for name in NAMES)} <= kept


def test_data_is_the_same_json_and_can_neither_open_nor_end_an_element() -> None:
    escaped = escape_json(json.dumps({"title": NASTY}, ensure_ascii=False))
    assert json.loads(escaped) == {"title": NASTY}
    assert not re.search("[<>&\u2028\u2029]", escaped)


def test_a_page_allows_its_own_script_and_style_and_nothing_else() -> None:
    bundle = Bundle("let a = 1 < 2;", "a { color: red }", "somebody 1.0 (ISC) -- all of it -->")
    page = build_page(bundle, title=NASTY, data=json.dumps({"a": NASTY}).encode())
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert unescape(policy) == (
        f"default-src 'none'; script-src {hash_source(bundle.script)}; style-src {hash_source(bundle.style)}; "
        "base-uri 'none'; form-action 'none'"
    )
    assert page.count("<script") == 2
    assert page.count("-->") == 1
    assert f"<script>{bundle.script}</script>" in page
    assert f"<style>{bundle.style}</style>" in page


def test_what_a_page_may_do_besides_is_named() -> None:
    page = build_page(Bundle("", "", ""), title="", data=b"{}", allow={"connect-src": "'self'"})
    assert "connect-src &#x27;self&#x27;" in page


def test_the_hash_is_that_of_the_specification() -> None:
    """The example of CSP level 3, §8.2 and its like: sha256 of the text's bytes."""
    assert hash_source("alert('Hello, world.');") == "'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='"
