"""The end of a fit: one look at the test rows, the report, and the files of the run folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from plait.core.classes import place_of
from plait.core.files import write_bytes, write_json
from plait.core.language import say, speaking
from plait.core.words import jsonable
from plait.draw import charts
from plait.draw.report import keep_content, write_report
from plait.models.predictors import input_names
from plait.models.rows import Prepared
from plait.models.views import View, encoder_names
from plait.proof.caveats import class_caveats, label_caveats, look_caveats, number_caveats, row_caveats, way_out
from plait.proof.reliability import as_classes, reliability
from plait.proof.scores import confusion
from plait.runs.answers import Answers, answer_prepared, count_holes
from plait.runs.arrival import MOST_LEARNED, find_copies, mix_codes
from plait.runs.card import make_card
from plait.runs.facts import RunFacts
from plait.runs.kept import Kept, KeptSource
from plait.runs.model import NETWORK, PROOF, Model
from plait.runs.predictions import Predictions, Transcripts
from plait.runs.unseen import Unseen
from plait.study.candidate import Candidate, Cost, list_candidates
from plait.study.conversion_gain import compare_conversions
from plait.study.cost import time_row
from plait.study.encoder_choice import tell_encoders
from plait.study.example import pack_example
from plait.study.job import Fit
from plait.study.keeping import choose_kept, keep_fitting
from plait.study.refit import Refit
from plait.study.report_content import Account, word_verdict
from plait.study.search import Result, Search
from plait.study.worth import measure_worth

if TYPE_CHECKING:
    from plait.runs.transcriber import Transcriber
    from plait.study.speech import Recognition

FEW_TESTS = 20  # test rows of numbers that are too few without those of validation, on which the winner was chosen


def finish(result: Result) -> Model:
    """Look at the test rows once, write the run folder, and remove what only a run under way needs."""
    job, search = result.job, result.search
    search.study.leave_device()
    budget = search.study.budget
    search.study.callback({"stage": "test rows"})
    result.kept = choose_kept(search, result.winner)
    refit = Refit.of(result)
    if refit is not None:  # other processes learn while the test rows are looked at
        refit.learn_ahead([result.winner, *search.alone.values()])
    model = budget.through(lambda: ship(result))
    answered = budget.through(lambda: ask(result, model))
    budget.through(lambda: prove(result, model, answered))
    files = list_files(result, model, answered)
    if job.options.report:
        content = budget.through(Account(result, model, answered).content)
        files["report.html"] = lambda path: write_report(path, word_verdict(content))
        files["report.json"] = lambda path: keep_content(path, content)
        kinds = {column.name: column.kind for column in job.schema.columns if column.role == "feature"}
        if example := pack_example(job.given, kinds, result.rows.tolist(), [status for status, _ in answered.statuses]):
            files["example.json"] = lambda path: write_json(path, example)
    if refit is not None:
        learn_anew(result, model, refit)
    model.facts.stopped = "interrupt" if budget.interrupted else model.facts.stopped
    with speaking(job.options.lang):  # pictures and the page, not what is kept as JSON
        budget.through(lambda: model._write(job.folder, files))
    if job.whole is None:  # of several targets all are done, or none
        shutil.rmtree(job.work)
    return model


def learn_anew(result: Result, model: Model, refit: Refit) -> None:
    """Give the model predictors learned from all labelled rows; the winner as it was proven stays beside them."""
    study = result.search.study
    predictors = {"winner": refit.predictor(result.winner)}
    predictors |= {name: refit.predictor(best) for name, best in result.search.alone.items()}
    if NETWORK in model.predictors:  # it costs no training: it has learned anew only where it is part of what ships
        best = best_network(result)
        predictors[NETWORK] = refit.made.get(best, model.predictors[NETWORK]) if best else model.predictors[NETWORK]
    if refit.kept and len(refit.kept) == sum(not one.parts for one in refit.made):
        return  # nothing was learned anew: networks of a split that the user named, or the time was over
    refit.leave_device()
    model.predictors = {PROOF: model.predictors["winner"], **predictors}
    if len(study.test) and refit.how == "all":
        model._learned = hash_learned(result.job, refit.rows, model.views)
    model.facts.refit = {"how": refit.how, "rows": len(refit.rows), "kept": refit.kept}


def ship(result: Result) -> Model:
    """Return the model: the winner and the best of each modality, as they were chosen."""
    search, winner, study = result.search, result.winner, result.search.study
    predictors = {"winner": winner.tempered}
    predictors |= {
        name: predictors["winner"] if best is winner else best.tempered for name, best in search.alone.items()
    }
    facts, best = list_facts(result), best_network(result)
    if best is not None:
        predictors[NETWORK], facts.network = best.tempered, best.name
    read_by = {view for predictor in predictors.values() for view in input_names(predictor)}
    strands = [s for s in study.prepared.views if s.how not in ("tuned", "beside", "letters") or s.name in read_by]
    others = {name: one.tempered for one, name in result.kept.items() if one is not winner}
    kept = Kept.of(others, study.prepared.views, strands)
    rows = np.flatnonzero((study.split == "train") | (study.split == "val"))
    learned, unseen = hash_learned(result.job, rows, strands), keep_unseen(result, strands)
    made = list(result.job.made)
    return Model(facts, strands, predictors, _made=made, _learned=learned, _unseen=unseen, _kept=KeptSource(kept))


def best_network(result: Result) -> Candidate | None:
    """Return the best that asks networks alone, which an ONNX file can hold; None where the winner is one, or there is
    none, or a modality has its name."""
    study = result.search.study
    if all(candidate.network is None for candidate in study.candidates):
        return None
    from plait.models.onnx_graph import why_no_graph  # here, since torch comes with it

    able = [candidate for candidate in study.candidates if not why_no_graph(candidate.predictor)]
    if (
        not able
        or not why_no_graph(result.winner.predictor)
        or NETWORK in study.prepared.names
        or result.search.labels.task == "labels"
    ):
        return None
    return min(able, key=lambda candidate: candidate.loss)


def hash_learned(job: Fit, rows: np.ndarray, views: Sequence[View]) -> np.ndarray | None:
    """Return the hashes of the rows that were learned from or chosen by, sorted; None of more than a run shall keep."""
    if len(rows) > MOST_LEARNED:
        return None
    return np.sort(mix_codes(job.code_cells(views), rows))


def keep_unseen(result: Result, views: Sequence[View]) -> Unseen | None:
    """Return validation rows and what was said of them by what had not learned from them; None of a table too large."""
    search, study = result.search, result.search.study
    if len(study.split) > MOST_LEARNED:
        return None
    single = study.labels.classes is not None and study.labels.sets is None
    said = {name: best.answers for name, best in search.alone.items()} if single else {}
    codes = result.job.code_cells(views)
    return Unseen.of(mix_codes(codes, study.val), mix_codes(codes, study.train), said)


def common_facts(job: Fit, split: np.ndarray, winner: Candidate) -> dict[str, Any]:
    """Return what run.json says of every fit, before anything is known of the test rows."""
    return {
        "target": job.target,
        "seed": job.options.seed,
        "schema": job.schema.to_json(),
        "options": jsonable(vars(job.options)),
        "rows": len(job.table),
        "splits": {part: int((split == part).sum()) for part in ("train", "val", "test")},
        "unlabelled": int((split == "").sum()),
        "winner": winner.name,
        "recipe": winner.recipe,
        "sample_rates": job.table.sample_rates,
        "conversions": [one.to_json() for one in job.made],
    }


def common_files(
    facts: RunFacts, candidates: Sequence[Candidate], answers: Predictions, columns: Sequence[np.ndarray]
) -> dict[str, Callable[[Path], Any]]:
    """Return what writes the files of every run. columns: number, split and target of the rows that were answered."""
    front = dict(zip(("row", "split", "target"), (column.tolist() for column in columns), strict=True))
    files: dict[str, Callable[[Path], Any]] = {
        "history.jsonl": lambda path: write_history(path, candidates),
        "predictions.parquet": lambda path: answers.write(path, front),
        "study.json": lambda path: write_json(path, facts.study),
        "README.md": lambda path: write_bytes(path, make_card(facts).encode()),
    }
    if epochs := [event for c in candidates for event in c.outcome.history]:
        files["curves.png"] = lambda path: charts.curves_picture(path, epochs)
    return files


def list_facts(result: Result) -> RunFacts:
    """Return what run.json says of the fit, before anything is known of the test rows."""
    job, study, labels = result.job, result.search.study, result.search.labels
    return RunFacts(
        task=labels.task,
        **common_facts(job, study.split, result.winner),
        classes=None if labels.classes is None else list(labels.classes),
        labels=labels.written_as,
        center=labels.center,
        spread=labels.spread,
        decimal_comma=labels.written.decimal_comma or None,
        unit=labels.written.unit or None,
        prior=labels.prior.tolist(),
        precision="bfloat16" if study.lowered else "float32",
        holes=result.holes,
        temperature=result.winner.heat,
        learning_curve=result.points,
        encoders=tell_encoders(study, encoder_names(job.schema, job.options.encoders)),
        folds=result.checked,
        stopped=study.budget.stopped,
    )


def ask(result: Result, model: Model) -> Answers:
    """Answer the test rows (validation, without any), once: all that is said of them is about these answers."""
    search, study, winner = result.search, result.search.study, result.winner
    whole = tuple(sorted(model.modalities))
    asked = ([(), *model._subsets()], model.alone) if len(study.test) else ([whole], {})
    answered = answer_prepared(study.prepared, model.predictor(), *asked, model.modalities, result.rows)
    if len(study.test):
        winner.tested = answered.answers[whole]
    for name, said in answered.alone.items():
        best = search.best_alone(name)
        if best is not None and best is not winner:
            best.tested = said
    return answered


def latency_of(candidate: Candidate, search: Search) -> float:
    """Return the milliseconds that a candidate takes for a row; of one whose members see what folds saw, theirs."""
    if candidate.latency is not None:
        return candidate.latency
    if candidate.parts and search.deal is not None and not search.has_whole(candidate):
        return sum(latency_of(part, search) for part in candidate.parts)
    return time_row(candidate.predictor, search.classic.seen.few)


def prove(result: Result, model: Model, answered: Answers) -> None:
    """Add to the model's facts its scores on the test rows, and all candidates with the verdict."""
    search, facts = result.search, model.facts
    study, labels, looked, groups_of = search.study, search.labels, [], result.job.groups_of
    if len(study.test):
        facts.test = model._grade(answered, labels.cells[study.test], groups_of(study.test))
        looked = search.looked_at(result.winner)

    def score(candidate: Candidate) -> tuple[Any, Any, Cost]:
        said = labels.level(candidate.answers, candidate.thresholds)
        val = labels.headline(said, study.val, study.seed, groups_of(study.val))
        answers = search.look(candidate) if candidate in looked else None
        test = None
        if answers is not None:
            test = labels.headline(answers, study.test, study.seed, groups_of(study.test))
        return val, test, study.costs.of(candidate, latency_of(candidate, search))

    verdict = search.verdict(result.winner).to_json() if result.checked is None else result.checked["verdict"]
    converted = [one for one in facts.conversions if one["how"] == "convert"]
    facts.study = {
        "winner": result.winner.name,
        "choose": "fusion" if search.plan is not None else "simple" if search.deal is None else "ensemble",
        "metric": labels.metric,
        "beside": labels.beside,
        "why": labels.why,
        "verdict": warned(verdict, list_warnings(result.job, study.prepared, study.split, result.looks)),
        "trials": search.trials,
        "candidates": list_candidates(study.candidates, result.winner, score, result.kept),
        "conversions": compare_conversions(search, converted),
    }
    if worth := measure_worth(result, model, answered) if result.checked is None else result.checked.pop("worth", None):
        facts.study["worth"] = worth
    if result.sharing is not None:
        facts.study["sharing"] = result.sharing
    if caveats := list_caveats(result):
        facts.study["caveats"] = [{"sentence": sentence} for sentence in caveats]


def warned(verdict: dict[str, Any], sentences: Sequence[str]) -> dict[str, Any]:
    """Return a verdict, as `study.json` holds it, with sentences that soften it."""
    said = " ".join([verdict["sentence"], *sentences])
    return {**verdict, "sentence": said, "warnings": [*verdict["warnings"], *sentences]}


def list_warnings(job: Fit, prepared: Prepared, split: np.ndarray, looks: int) -> list[str]:
    """Return what makes the scores on test rows too good, or less than they seem: copies, broken cells, many looks."""
    tests, train = np.flatnonzero(split == "test"), np.flatnonzero(split == "train")
    if not len(tests):
        return look_caveats(int((split != "").sum()), looks, "row")
    copies = 0
    if len(split) <= MOST_LEARNED:
        media = {name for view in prepared.views if view.able.opened for name in view.modality.columns}
        copies = int(find_copies(job.code_cells(prepared.views), media, train, tests).sum())
    broken = {name: hole["broken"] for name, hole in count_holes(prepared, tests).items()}
    return [*row_caveats(len(tests), copies, broken), *look_caveats(len(tests), looks)]


def list_caveats(result: Result) -> list[str]:
    """Return what the scores of the winner hide, and the way out; of test rows, and of validation where these are few.

    Which classes it never names, all of these rows tell.
    """
    search, winner = result.search, result.winner
    study, labels, balance = search.study, search.labels, result.job.options.balance
    rows, answers = study.val, labels.level(winner.answers, winner.thresholds)
    if len(study.test):
        tested = search.look(winner)
        few = labels.classes is not None or len(study.test) < FEW_TESTS
        rows = np.concatenate([rows, study.test]) if few else study.test
        answers = np.concatenate([answers, tested]) if few else tested
    if labels.classes is None:
        caveats = number_caveats(labels.numbers[rows], answers[:, 0], float(labels.prior[0]))
    elif labels.sets is not None:
        return label_caveats(labels.sets[rows], labels.decide(answers), labels.classes)
    else:
        said = place_of(answers, labels.classes)
        caveats = class_caveats(labels.codes[rows], said, labels.classes, labels.prior, balance)
    return [*caveats, way_out(labels.prior, balance)] if caveats else []


def list_files(result: Result, model: Model, answered: Answers) -> dict[str, Callable[[Path], Any]]:
    """Return what writes each further file of the run folder: answers to the rows, tables, pictures."""
    study, labels, rows, points = result.search.study, result.search.labels, result.rows, result.points
    values = answered.answers[tuple(sorted(model.modalities))]
    answers = Predictions.from_values(values, answered.statuses, model.classes)
    truth = labels.cells_of(rows)
    files = common_files(model.facts, study.candidates, answers, (rows, study.split[rows], truth))
    if points:
        files["learning-curve.png"] = lambda path: charts.growth_picture(path, points, labels.metric)
    if not result.job.options.report:
        return files
    seen = np.array([status != "failed" for status, _ in answered.statuses], bool)
    truth, said = labels.cells[rows][seen], values[seen]
    where = "{what}: test rows, {name}" if len(study.test) else "{what}: validation rows, {name}"
    if seen.any() and labels.classes is not None:
        given = as_classes(truth, said, labels.classes)
        if labels.sets is None:
            files["confusion.png"] = lambda path: charts.confusion_picture(
                path, *confusion(*given), title=say(where, what=say("Confusion matrix"), name=result.winner.name)
            )
        files["reliability.png"] = lambda path: charts.reliability_picture(
            path, reliability(*given), title=say(where, what=say("Reliability"), name=result.winner.name)
        )
    elif seen.any():
        files["scatter.png"] = lambda path: charts.scatter_picture(
            path, truth.astype(float), said[:, 0], result.job.target
        )
    return files


def finish_recognition(study: Recognition, winner: Candidate, holes: dict[str, Any], looks: int = 0) -> Transcriber:
    """Look at the test rows once, write the run folder, and remove what only a run under way needs."""
    from plait.runs.transcriber import Transcriber  # here, since torch comes with it

    job, split, tests = study.job, study.split, np.flatnonzero(study.split == "test")
    study.leave_device()
    networks = {"winner": winner.network, study.audio: study.alone.network}
    facts = RunFacts(
        task="recognition",
        **common_facts(job, split, winner),
        audio=job.audio,
        units=study.units.to_json(),
        holes=holes,
        stopped=study.budget.stopped,
    )
    views, known = study.prepared.views, np.flatnonzero(np.isin(split, ("train", "val")))
    kept = keep_fitting(winner, study.candidates, study.prepared.names)
    others = Kept({name: one.network for one, name in kept.items() if one is not winner})
    learned = hash_learned(job, known, views)
    model = Transcriber(facts, views, networks, _made=list(job.made), _learned=learned, _kept=KeptSource(others))
    rows, whole = tests if len(tests) else np.flatnonzero(split == "val"), tuple(sorted(model.modalities))
    asked = (model._subsets(), [study.audio]) if len(tests) else ([whole],)
    answered = model._answer_prepared(study.prepared.take(rows), *asked)
    if len(tests):  # heard once; candidates are judged on those rows whose sound can be heard
        heard = np.isin(rows, study.test)
        winner.tested, study.alone.tested = answered.answers[whole][heard], answered.alone[study.audio][heard]
        facts.test = model._grade(answered, study.texts[tests], job.groups_of(tests))
    facts.study = {
        "winner": winner.name,
        "metric": "wer",
        "verdict": warned(study.verdict(winner).to_json(), list_warnings(job, study.prepared, split, looks)),
        "trials": {"single": 1, "fused": len(study.candidates) - 1},
        "candidates": study.leaderboard(winner, kept),
    }
    transcripts = Transcripts.of(answered.answers[whole].tolist(), answered.statuses)
    facts.mute = bool(len(tests)) and not any(transcripts.labels)
    files = common_files(facts, study.candidates, transcripts, (rows, split[rows], study.texts[rows]))
    model._write(job.folder, files)
    shutil.rmtree(job.work, ignore_errors=True)  # Windows keeps files that are mapped into memory
    return model


def write_history(path: Path, candidates: Sequence[Candidate]) -> None:
    lines = [json.dumps(jsonable(event), ensure_ascii=False) for c in candidates for event in c.outcome.history]
    write_bytes(path, "".join(f"{line}\n" for line in lines).encode())
