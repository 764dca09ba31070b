"""What to ship within other limits: the script of the page answers as `worth.picking` does, word by word."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from devtools import Tab

from harness.render.page.assemble import write_report
from harness.results import Run
from harness.worth.picking import Limits, Pick, picks

ANSWERS = """[...document.querySelectorAll('#pick .answers > li')].map(line => ({
  model: line.querySelector('b').textContent.trim(),
  line: line.querySelector('.load').textContent.trim().split(' ').at(-1),
  problem: line.querySelector('.nothing') ? [...line.querySelectorAll(':scope > span')].at(-1).textContent : '',
  rest: line.querySelector('summary')?.textContent ?? '',
  told: [...line.querySelectorAll('ol > li')].map(item =>
    [item.children[0].textContent, item.children[1].textContent, item.lastChild.data.trim()]),
}))"""


@pytest.fixture(scope="module")
def run() -> Run:
    """Something is worth shipping in it."""
    from fixed_pick import PICK_RUN

    return PICK_RUN


@pytest.fixture(scope="module")
def report(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its page."""
    return write_report(run, tmp_path_factory.mktemp("pick"))


def by_device(found: tuple[Pick, ...]) -> list[dict[str, object]]:
    """What the page should show: device by device."""
    return [expected(pick) for pick in sorted(found, key=lambda one: one.device)]


def expected(pick: Pick) -> dict[str, object]:
    """What the page should show of a pick."""
    load = [pick.load] if pick.load else []
    placed = (("load", load), ("then", pick.fallbacks), ("not", pick.others))
    count = len(pick.others)
    rest = ["then " + ", ".join(one.precision for one in pick.fallbacks)] * bool(pick.fallbacks)
    rest += [f"{count} {'does' if count == 1 else 'do'} not qualify"] * bool(count)
    return {
        "model": pick.model,
        "line": pick.load.precision if pick.load else "nothing",
        "problem": pick.problem,
        "rest": " · ".join(rest) or "why",
        "told": [[place, one.precision, one.why] for place, found in placed for one in found],
    }


def ask(tab: Tab, megabytes: str = "", loss: str = "") -> None:
    """Type the limits, the same loss of every metric."""
    tab.evaluate(
        f"""document.querySelectorAll('#pick input').forEach(field => {{
          field.value = field.dataset.of === 'memory' ? {json.dumps(megabytes)} : {json.dumps(loss)};
          field.dispatchEvent(new Event('input', {{bubbles: true}}));
        }})"""
    )


MEMORY = ("", "400", "300", "292", "270", "100")
LOSS = ("", "0", "0.0001", "0.005", "0.02", "0.0326", "0.06", "0.08", "1.5", "2000", "0.00001")


@pytest.mark.parametrize("megabytes", MEMORY)
def test_the_script_answers_as_the_command_does(page_tab: Tab, report: Path, run: Run, megabytes: str) -> None:
    page_tab.open(report, width=1280)
    for loss in LOSS:
        ask(page_tab, megabytes, loss)
        limits = Limits(float(megabytes) * 1e6 if megabytes else None, float(loss) if loss else None)
        assert page_tab.evaluate(ANSWERS) == by_device(picks(run, limits)), limits


def test_the_limits_of_the_table_change_the_answer(run: Run) -> None:
    """The table above would prove nothing were all its answers the same."""
    named = {
        tuple(pick.load.precision if pick.load else None for pick in picks(run, Limits(memory, loss)))
        for memory in (None, 270e6, 292e6, 300e6)
        for loss in (None, 0.0, 0.06, 1.5)
    }
    assert len(named) >= 4


def test_what_is_not_measured_at_all_or_fails_is_answered_alike(page_tab: Tab, tmp_path: Path) -> None:
    from fixed_quality import QUALITY_JUDGED

    page_tab.open(write_report(QUALITY_JUDGED, tmp_path), width=1280)
    for loss in ("", "0.001", "3"):
        ask(page_tab, "", loss)
        limits = Limits(None, float(loss) if loss else None)
        assert page_tab.evaluate(ANSWERS) == by_device(picks(QUALITY_JUDGED, limits))


def test_a_limit_says_how_many_answers_it_changes_and_is_taken_back(page_tab: Tab, report: Path) -> None:
    page_tab.open(report, width=1280)
    before = page_tab.evaluate(ANSWERS)
    said = "document.querySelector('#pick [role=status]').textContent"
    assert page_tab.evaluate(said) == ""
    ask(page_tab, "290")
    assert page_tab.evaluate(said) == "1 of 3 answers are others than the run's own limits give"
    assert page_tab.evaluate("document.querySelectorAll('#pick .other').length") == 1
    page_tab.evaluate("document.querySelector('#pick button.again').click()")
    assert page_tab.evaluate(ANSWERS) == before
    assert page_tab.evaluate(said) == ""
    assert page_tab.evaluate("document.activeElement.matches('#pick input')")


def test_what_is_no_number_is_no_limit_and_is_marked(page_tab: Tab, report: Path) -> None:
    page_tab.open(report, width=1280)
    before = page_tab.evaluate(ANSWERS)
    ask(page_tab, "-5")
    assert page_tab.evaluate("document.querySelector('#pick input').getAttribute('aria-invalid')") == "true"
    assert page_tab.evaluate(ANSWERS) == before


def test_enter_in_a_field_goes_nowhere(page_tab: Tab, report: Path) -> None:
    page_tab.open(report, width=1280)
    page_tab.evaluate("document.querySelector('#pick input').focus()")
    for kind in ("keyDown", "keyUp"):
        page_tab._send("Input.dispatchKeyEvent", {"type": kind, "key": "Enter", "code": "Enter"})
    assert page_tab.evaluate("location.pathname").endswith("report.html")
    assert page_tab.complaints() == []


def test_of_many_models_all_are_answered_once_a_limit_is_asked_for(page_tab: Tab, tmp_path: Path) -> None:
    from large_run import large_run

    many = large_run(480)
    page_tab.open(write_report(many, tmp_path), width=1280)
    assert page_tab.evaluate("document.querySelectorAll('#pick .answers > li').length") == 24
    ask(page_tab, "290", "0.1")
    shown = {(one["model"], one["line"], one["rest"]) for one in page_tab.evaluate(ANSWERS)}
    told = by_device(picks(many, Limits(290e6, 0.1)))
    assert shown == {(one["model"], one["line"], one["rest"]) for one in told}


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_every_mark_of_a_plot_stands_out_and_every_word_is_read(
    page_tab: Tab, report: Path, width: int, scheme: str
) -> None:
    """Marks of 3 to 1 and more (WCAG 2.2, 1.4.11), words of 11 pixels and more, none outside its drawing."""
    from test_report_page import relative

    page_tab.open(report, width=width, scheme=scheme)
    drawn = page_tab.evaluate(
        """[...document.querySelectorAll('.plot svg')].map(plot => {
          const frame = plot.getBoundingClientRect(), scale = frame.width / plot.viewBox.baseVal.width;
          const style = (one, name) => getComputedStyle(one)[name];
          const words = [...plot.querySelectorAll('text')];
          return {
            ground: style(plot.querySelector('.field'), 'fill'),
            inks: [...plot.querySelectorAll('.m')].map(one =>
              style(one, one.classList.contains('hollow') ? 'stroke' : 'fill')).concat(
              [...plot.querySelectorAll('.whisker, .nought, .margin')].map(one => style(one, 'stroke'))),
            least: Math.min(...words.map(one => parseFloat(style(one, 'fontSize')) * scale)),
            out: words.map(one => one.getBoundingClientRect()).filter(box =>
              box.left < frame.left - 1 || box.right > frame.right + 1 || box.bottom > frame.bottom + 1).length,
          };
        })"""
    )
    assert len(drawn) == 2
    for plot in drawn:
        assert len(plot["inks"]) > 4
        for ink in plot["inks"]:
            light, dark = sorted((relative(ink), relative(plot["ground"])), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 3, (ink, plot["ground"])
        assert plot["least"] >= 10.5
        assert plot["out"] == 0


def test_a_model_leads_to_its_plot(page_tab: Tab, report: Path) -> None:
    page_tab.open(report, width=1280)
    target = page_tab.evaluate("document.querySelector('#pick .answers a').getAttribute('href').slice(1)")
    page_tab.open(report, width=1280, fragment=target)
    assert abs(page_tab.evaluate(f"document.getElementById({json.dumps(target)}).getBoundingClientRect().top")) < 40
