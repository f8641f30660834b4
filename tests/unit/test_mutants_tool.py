"""`make mutants`: which survivors it complains of, and how it knows one again after an edit."""

from __future__ import annotations

import pytest

from tools.mutants import Survivor, complaints, function_of, read_allowed, survivor_of

KNOWN = Survivor("shared.a.pack", "if a > b:", "if a >= b:")
QUOTED = Survivor("shared.a.pack", "a = 'it\\'s'\nb = \"ü\"", "a = b")
OTHER = Survivor("shared.a.pack", "return a", "return b")

DIFF = """--- shared/a.py
+++ shared/a.py
@@ -1,4 +1,4 @@
 def pack(a, b):
-    if a > b:
+    if a >= b:
         return a
"""

NAMES = {
    "shared.documents.packing.x_pack__mutmut_3": "shared.documents.packing.pack",
    "shared.models.labels.x__check_documents__mutmut_10": "shared.models.labels._check_documents",
    "shared.models.labels.xǁLabelsFileǁkind_fits__mutmut_8": "shared.models.labels.LabelsFile.kind_fits",
    "shared.models.labels.xǁ_Formǁ_name__mutmut_1": "shared.models.labels._Form._name",
}


@pytest.mark.parametrize("name", NAMES)
def test_a_mutant_is_known_by_the_function_it_changes(name: str) -> None:
    assert function_of(name) == NAMES[name]


def test_a_mutant_is_known_by_what_it_changes_not_by_its_number() -> None:
    assert {survivor_of(f"shared.a.x_pack__mutmut_{number}", DIFF) for number in (1, 17)} == {KNOWN}


def test_names_and_diffs_of_another_shape_are_not_passed_over() -> None:
    with pytest.raises(ValueError, match="names mutants in a new way"):
        function_of("shared.a.pack__1")
    with pytest.raises(ValueError, match="shows no change"):
        survivor_of("shared.a.x_pack__mutmut_1", "")


def test_exactly_the_listed_survivors_are_no_complaint() -> None:
    assert complaints([], []) == []
    assert complaints([KNOWN, KNOWN, OTHER], [OTHER, KNOWN]) == []


def test_a_survivor_that_is_not_listed_is_a_complaint_that_can_be_pasted_into_the_list() -> None:
    for survivor in (KNOWN, QUOTED):
        (complaint,) = complaints([survivor, OTHER], [OTHER])
        assert complaint.startswith("no test notices this")
        entry = complaint.partition("\n")[2].replace('reason = ""', 'reason = "equal"')
        assert read_allowed(entry) == {survivor: "equal"}


def test_a_listed_mutant_that_does_not_survive_is_a_complaint() -> None:
    (complaint,) = complaints([OTHER], [OTHER, KNOWN])
    assert complaint.startswith("this is listed and does not survive")
    assert "if a >= b:" in complaint


@pytest.mark.parametrize("reason", ["", "reason = ' '"])
def test_a_listed_mutant_needs_a_reason(reason: str) -> None:
    with pytest.raises(ValueError, match="needs its reason"):
        read_allowed(f"[[mutant]]\nfunction = 'f'\nremoved = 'a'\nadded = 'b'\n{reason}")
