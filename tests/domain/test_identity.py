"""Ids are frozen: another hash would give every stored row another identity."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pmo_hub.domain.identity import identifier, row_id

parts = st.lists(st.text(max_size=12), min_size=3, max_size=3)


def test_the_vector_holds() -> None:
    assert row_id("11223344-a123-b123-c123-123456789012", "work_item", "10001") == "fb9bc4c0923f31702015fb637cae220b"
    assert row_id("file", "work_item", "{ÄÖÜ}") == "258395ec4f5544264fd0b78a4bd6102a"


@given(parts, parts)
def test_other_parts_have_another_id(a: list[str], b: list[str]) -> None:
    assert (row_id(*a) == row_id(*b)) == (a == b)


@given(st.text(max_size=12), st.text(max_size=12), st.text(max_size=12))
def test_an_identifier_gives_the_same_ids(namespace: str, record_type: str, external_id: str) -> None:
    assert identifier(namespace, record_type)(external_id) == row_id(namespace, record_type, external_id)
