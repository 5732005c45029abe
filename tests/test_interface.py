"""Every sentence of the interface names tests that exist."""

import ast
from functools import cache
from pathlib import Path

from tests import interface

ROOT = Path(__file__).parents[1]


@cache
def _find_functions(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / file).read_text())
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def test_every_sentence_has_tests_that_exist() -> None:
    tables = (interface.TABLE, interface.DOCS, interface.CALLS, interface.ANSWERS)
    sentences = [sentence for each in tables for sentence in interface.parse_sentences(each)]
    assert len(sentences) > 150
    assert [sentence.text for sentence in sentences if not sentence.tests] == []
    tests = [(file, name) for sentence in sentences for file, name in sentence.tests]
    assert [each for each in tests if not each[1].startswith("test_") or each[1] not in _find_functions(each[0])] == []
