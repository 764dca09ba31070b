"""What of a command line both sides are told too."""

import pytest

from harness.benchmarks.arguments import forwarded

OWN = {"--gate-benchmarks": False, "--against": True, "--time-budget": True, "--no-gate": False}


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ("--gate-benchmarks --against main bench", ""),
        ("--against=main --no-gate --benchmark-max-time=0.1 bench", "--benchmark-max-time=0.1"),
        ("--benchmark-min-rounds 9 bench", "--benchmark-min-rounds 9"),
        ("-k quick -m fast bench", "-k quick -m fast"),
        ("-x -q --maxfail 3 --junitxml=a.xml --co --lf bench", ""),
        ("--benchmark-save=now --benchmark-json now.json --benchmark-autosave", ""),
        ("--benchmark-compare 0001 bench", ""),
        ("--benchmark-compare bench", ""),
        ("--benchmark-compare-fail min:5% mean:5% -p no:xdist", "-p no:xdist"),
        ("-n 0 --db-url sqlite:// -o addopts= -c other.ini", "-n 0 --db-url sqlite:// -o addopts= -c other.ini"),
        ("--time-budget 2m bench::test_a --theirs bench", "--theirs"),
    ],
)
def test_what_this_run_alone_is_about_is_left_out_and_the_rest_is_passed_on(words: str, kept: str) -> None:
    assert forwarded(words.split(), ["bench", "bench::test_a"], OWN) == tuple(kept.split())
