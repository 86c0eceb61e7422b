"""The pages: readable, without anybody's script, and as files."""

import os
import re
from pathlib import Path

from local.github.pages.export import export
from local.github.pages.markdown import render
from tests.contract.github_simulator.stage import REPO, R


def test_markdown_is_rendered_and_html_is_not_trusted():
    text = (
        "| a | b |\n|---|---|\n| ~~1~~ | 2 |\n\n- [x] done\n- [ ] open\n\n"
        "<details open onclick=x><summary>more</summary>\n\n**bold**\n\n</details>\n\n"
        "<script>alert(1)</script> <sub>small</sub> <!-- persevere:x --> <img src=x onerror=y> [l](javascript:x)\n"
    )
    html = render(text)
    assert "<table>" in html
    assert "<s>1</s>" in html
    assert html.count('type="checkbox"') == 2
    assert html.count('checked="checked"') == 1
    assert "<details open>" in html
    assert "<strong>bold</strong>" in html
    assert "<sub>small</sub>" in html
    for bad in ("<script", "<img", "onclick", "persevere:x", 'href="javascript'):
        assert bad not in html.replace("&lt;img src=x onerror", "").replace("&lt;script", "")


def test_pages_of_issue_pull_request_check_and_commit(stage):
    client = stage.here()
    stage.octocat.open_issue(REPO, "Slow <start>", "Please **help**")
    comment = client.post(f"{R}/issues/1/comments", json={"body": "- [ ] Approve v1"}).json()
    client.post(f"{R}/issues/comments/{comment['id']}/reactions", json={"content": "eyes"})
    pull = stage.pull(client)
    run = client.post(
        f"{R}/check-runs",
        json={
            "name": "AC-1",
            "head_sha": pull["head"]["sha"],
            "conclusion": "failure",
            "output": {
                "title": "Fails at head",
                "summary": "It **fails**",
                "text": "log",
                "annotations": [
                    {
                        "path": "work.txt",
                        "start_line": 1,
                        "end_line": 1,
                        "annotation_level": "failure",
                        "message": "here",
                    }
                ],
            },
        },
    ).json()
    reader = stage.client()
    issue = reader.get(f"/{REPO}/issues/1").text
    assert "Slow &lt;start&gt;" in issue
    assert "<strong>help</strong>" in issue
    assert 'type="checkbox"' in issue
    assert "👀" in issue
    conversation = reader.get(pull["html_url"]).text
    assert "Fails at head" in conversation
    assert '<span class="add">+work</span>' in conversation
    check = reader.get(run["html_url"]).text
    assert "<strong>fails</strong>" in check
    assert "work.txt:1" in check
    assert "Verified" in reader.get(f"/{REPO}/commit/{pull['head']['sha']}").text
    for path in (
        "/",
        f"/{REPO}",
        f"/{REPO}/issues",
        f"/{REPO}/pulls",
        f"/{REPO}/commits/main",
        f"/{REPO}/blob/main/src/a.py",
    ):
        assert reader.get(path).status_code == 200, path
    assert reader.get(f"/{REPO}/issues/99").status_code == 404


def test_files_with_strange_names_have_pages_too(stage, tmp_path):
    """Blanks, signs of an address, a name as long as names may be, and one that is no UTF-8."""
    tree = tmp_path / "tree"
    (tree / "d").mkdir(parents=True)
    names = ["d/a b, c.txt", "d/a_b, c.txt", "d/e#f?g%41.txt", f"d/{'x' * 250}.txt", "d/über.txt"]
    for name in names:
        (tree / name).write_text(f"in {name}")
    Path(os.fsdecode(os.fsencode(tree / "d") + b"/\xff.txt")).write_text("no name")
    stage.st.repository("octo-org", "strange", path=tree, roles={"octocat": "admin"})
    written = "\n".join(file.read_text() for file in export(stage.url, tmp_path / "pages"))
    for name in names:
        assert f"in {name}" in written


def test_exported_pages_link_to_one_another(stage, tmp_path):
    stage.pull(stage.here())
    stage.octocat.comment(REPO, 1, f"see {stage.url}/{REPO}/commits/main and [this]({stage.url}/{REPO}/pull/1#checks)")
    files = export(stage.url, tmp_path)
    assert files[0] == tmp_path / "index.html"
    assert tmp_path / f"{REPO}/pull/1.html" in files
    for file in files:
        for link in re.findall(r'href="([^"]*)"', file.read_text()):
            assert not link.startswith(("/", "http://127")), (file, link)
            if link and not link.startswith(("#", "http")):
                assert (file.parent / link.partition("#")[0]).is_file(), (file, link)
