"""The text that is approved: the same spec is always the same bytes, and two specs are never one."""

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.domain.spec import CONTRACT_FIELDS, Criterion, Source, Spec, canonical_text, fingerprint, sha256_of

DOCUMENT: dict[str, Any] = {
    "version": 2,
    "title": "Export",
    "goals": ["German users open the export"],
    "criteria": [
        {
            "id": "AC-1",
            "kind": "new",
            "text": "writes \u201e;\u201c between fields",
            "check": {"origin": "spec", "kind": "command", "run": "sh checks/ac-1.sh"},
            "author": "octocat",
        },
        {"id": "AC-2", "kind": "person", "text": "the help text is clear"},
    ],
    "out_of_scope": ["French"],
    "assumptions": ["umlauts are UTF-8"],
    "stack": ["python"],
    "limits": {"nano": 6_000_000_000, "seconds": 3600},
    "touches": ["src/octo/export.py"],
    "sources": [{"line": "AC-1", "kind": "issue", "author": "octocat"}],
    "base": "a1b2c3d" + "0" * 33,
}
GOLDEN = "6d7e356dd032f93093d0cb472597abe0d77fe15b2e453122acf0d7fbb7cdf210"


def spec(**changed: Any) -> Spec:
    return Spec.model_validate(DOCUMENT | changed)


def with_run(run: str) -> Spec:
    first = DOCUMENT["criteria"][0]
    return spec(criteria=[first | {"check": first["check"] | {"run": run}}])


def test_the_bytes_of_one_spec_are_pinned() -> None:
    """Approvals that are stored name this hash: a change of the text needs a new `v` in it."""
    assert sha256_of(spec()) == GOLDEN
    assert fingerprint(spec()) == GOLDEN[:8]


def test_keys_are_sorted_and_no_blank_stands_between() -> None:
    text = canonical_text(spec())
    document = json.loads(text)
    assert text == json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert set(document) == {"v", *CONTRACT_FIELDS}
    assert set(document["criteria"][0]) == {"id", "kind", "text", "check"}


def test_the_order_in_which_a_document_was_written_does_not_matter() -> None:
    names = list(DOCUMENT)
    random.Random(7).shuffle(names)
    assert sha256_of(Spec.model_validate({name: DOCUMENT[name] for name in names})) == GOLDEN


def test_a_title_and_a_checks_author_are_no_part_of_the_contract() -> None:
    first = DOCUMENT["criteria"][0] | {"author": "hubot"}
    assert sha256_of(spec(title="Other", criteria=[first, DOCUMENT["criteria"][1]])) == GOLDEN


@pytest.mark.parametrize(
    ("one", "other"),
    [("e\u0301", "\u00e9"), ("a\r\nb", "a\nb"), ("a\rb", "a\nb"), ("\u212b", "\u00c5")],
)
def test_what_looks_the_same_is_the_same(one: str, other: str) -> None:
    assert sha256_of(spec(goals=[one])) == sha256_of(spec(goals=[other]))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (r"printf 'a\r\n'", r"printf 'a\n'"),
        (r"printf 'a\r'", r"printf 'a\n'"),
        (r"grep -c '\\r' f", r"grep -c '\\n' f"),
        ("sh x", "sh  x"),
    ],
)
def test_checks_that_do_different_things_are_different_specs(one: str, other: str) -> None:
    assert sha256_of(with_run(one)) != sha256_of(with_run(other))


CHANGES: list[dict[str, Any]] = [
    {"version": 3},
    {"goals": []},
    {"out_of_scope": []},
    {"assumptions": ["x"]},
    {"stack": []},
    {"limits": {"nano": 1, "seconds": 3600}},
    {"touches": []},
    {"sources": []},
    {"base": "b" * 40},
    {"criteria": DOCUMENT["criteria"][:1]},
    {"criteria": [DOCUMENT["criteria"][0] | {"kind": "keep"}, DOCUMENT["criteria"][1]]},
]


@pytest.mark.parametrize("changed", CHANGES, ids=[next(iter(each)) for each in CHANGES])
def test_every_term_of_the_contract_changes_the_hash(changed: dict[str, Any]) -> None:
    assert sha256_of(spec(**changed)) != GOLDEN


@given(st.text(), st.text())
def test_the_text_is_json_and_stays_itself(goal: str, run: str) -> None:
    one = with_run(run).model_copy(update={"goals": (goal,)})
    text = canonical_text(one)
    assert "\r" not in json.loads(text)["goals"][0]
    assert canonical_text(Spec.model_validate(json.loads(text))) == text


def test_a_stored_spec_reads_back_as_itself() -> None:
    again = Spec.model_validate_json(spec().model_dump_json())
    assert again == spec()
    assert again.criterion("AC-1") == spec().criteria[0]
    assert again.criterion("AC-9") is None


@pytest.mark.parametrize("id", ["1", "AC-", "AC-1234", "ac-1", "AC-1 ", ""])
def test_a_criterion_has_an_id_that_people_can_type(id: str) -> None:
    with pytest.raises(ValidationError):
        Criterion(id=id, kind="new", text="t")


def test_a_source_may_be_nobody() -> None:
    assert Source(line="UTF-8", kind="assumed").author == ""
