"""What `bench trust` counts, on answers whose truth is known. The bench itself needs the corpora."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.trust.acceptance import UNSURE, best_share, try_promises
from bench.trust.answers import Model, answers_of, load_view, micro_f1, view
from bench.trust.gate import Matched, judge, metrics
from shared.models.acceptance import AcceptanceRule
from shared.models.gate import Verdict
from shared.models.threshold import GoldenResult

RIGHT, WRONG = frozenset({"a"}), frozenset({"b"})


def answered(right: int, of: int) -> tuple[frozenset[str], ...]:
    return (*[RIGHT] * right, *[WRONG] * (of - right))


def test_a_model_beside_itself_is_as_good_and_a_useless_one_is_worse_at_any_number_of_documents() -> None:
    true = [RIGHT] * 600
    good, useless = answered(450, 600), answered(100, 600)
    for golden in (60, 120):
        same = judge(true, [Matched(good, good, 0.0)], golden, 8)
        worse = judge(true, [Matched(useless, good, -0.58)], golden, 8)
        assert (same.said, same.share_wrong(is_good=True)) == ({Verdict.AS_GOOD: 8}, 0)
        assert (worse.said, worse.share_wrong(is_good=False)) == ({Verdict.WORSE: 8}, 0)


def test_the_rule_of_before_refuses_a_model_beside_itself_by_the_luck_of_the_draw() -> None:
    good = answered(390, 600)
    judged = judge([RIGHT] * 600, [Matched(good, good, 0.0)], 60, 60)
    assert judged.share_wrong(is_good=True) == 0
    assert 0.1 < judged.share_wrong_before(is_good=True) < 0.5


def test_what_is_clear_and_wrong_leaves_out_what_is_unclear() -> None:
    true = [RIGHT] * 600
    one, other = answered(390, 600), tuple(reversed(answered(390, 600)))
    judged = judge(true, [Matched(one, other, 0.0)], 60, 40)
    assert judged.said[Verdict.UNCLEAR] > 24
    assert judged.share_clearly_wrong(is_good=True) < judged.share_wrong(is_good=True)


def test_metrics_are_those_of_the_answers() -> None:
    found = metrics([RIGHT, RIGHT, WRONG, WRONG], [RIGHT, WRONG, WRONG, WRONG])
    assert (found.micro_f1, found.macro_recall) == (0.75, 0.75)
    assert micro_f1([RIGHT, WRONG], [RIGHT, frozenset()]) == pytest.approx(2 / 3)


def test_the_best_share_is_what_somebody_who_knows_the_truth_would_accept() -> None:
    results = [
        *[GoldenResult(0.9, True)] * 8,
        *[GoldenResult(0.8, False)] * 2,
        *[GoldenResult(0.7, True)] * 8,
        *[GoldenResult(0.6, False)] * 2,
    ]
    assert [best_share(results, precision) for precision in (1.0, 0.88, 0.8)] == [0.4, 0.9, 1.0]
    assert best_share([GoldenResult(0.5, True), GoldenResult(0.5, False)], 0.9) == 0
    assert best_share([GoldenResult(UNSURE, True)], 0.5) == 0


def test_promises_are_counted_against_documents_that_were_not_golden() -> None:
    rule = AcceptanceRule(precision=0.9, confidence=0.9)
    sure = [GoldenResult(0.95, True)] * 300 + [GoldenResult(0.05, False)] * 300
    kept = try_promises(sure, rule, golden=240, splits=10)
    assert (kept.promised, kept.kept, kept.precision) == (10, 10, 1.0)
    assert kept.accepted == pytest.approx(0.5, abs=0.05)
    assert kept.best == kept.accepted
    coin = [GoldenResult(0.95, number % 2 == 0) for number in range(600)]
    assert try_promises(coin, rule, golden=240, splits=10).promised == 0


def test_a_broken_promise_is_seen() -> None:
    """Results that are right in 59 of 100, promised at 55: the hundred that are left are now and then below that."""
    results = [GoldenResult(0.95, number % 100 < 59) for number in range(400)]
    kept = try_promises(results, AcceptanceRule(precision=0.55, confidence=0.5), golden=300, splits=40)
    assert 0 < kept.kept < kept.promised


def test_views_of_a_document() -> None:
    assert view("newsgroups", ["sci.space"]) == frozenset({"sci.space"})
    assert view("newsgroups-topics", ["sci.space"]) == frozenset({"sci.space", "sci"})
    assert view("packages", ["use.editing", "works_with.text"]) == frozenset({"use.editing", "works_with.text"})
    assert view("packages-one", ["use.editing", "works_with.text"]) is None
    assert view("packages-one", ["use.editing"]) == frozenset({"use.editing"})


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """As small as a classifier can learn."""
    folder = tmp_path / "data" / "newsgroups"
    for part in ("train", "new"):
        (folder / part).mkdir(parents=True)
    texts = {f"{number}.txt": "stars and rockets" if number % 2 else "goals and pucks" for number in range(24)}
    for name, text in texts.items():
        (folder / "train" / name).write_text(text)
        (folder / "new" / name).write_text(text)
    documents = [{"location": f"train/{name}", "intents": [number % 2]} for number, name in enumerate(texts)]
    names = ["rec.hockey", "sci.space"]
    (folder / "labels.json").write_text(json.dumps({"intentNames": names, "documents": documents}))
    expected = {name: [names[number % 2]] for number, name in enumerate(texts)}
    (folder / "expected.json").write_text(json.dumps(expected))
    monkeypatch.setattr("bench.trust.answers.FOLDER", tmp_path / "build")
    return tmp_path / "data"


def test_answers_are_those_of_the_emulators_classifier_and_are_kept(
    corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Model("newsgroups", tuple(range(24)))
    found = answers_of(model, corpus)
    assert [set(each) for each in found] == load_view("newsgroups", corpus).true
    monkeypatch.setattr("bench.trust.answers._train_and_answer", lambda *_: pytest.fail("trained again"))
    assert answers_of(model, corpus) == found


def test_a_model_of_spoiled_labels_answers_otherwise(corpus: Path) -> None:
    good, spoiled = (
        [set(each) for each in answers_of(Model("newsgroups", tuple(range(24)), spoiled=share), corpus)]
        for share in (0.0, 1.0)
    )
    assert good != spoiled


def test_the_bench_is_one_of_all_and_not_of_those_of_speed() -> None:
    from bench import trust
    from bench.__main__ import BENCHMARKS, SPEED

    assert trust in BENCHMARKS
    assert trust not in SPEED
