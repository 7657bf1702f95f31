"""Every example in a docstring runs with the tests: runners skip some folders by their name, and say nothing."""

import doctest
import subprocess
import sys

from conftest import ROOT


def test_every_example_is_collected():
    library = ROOT / "workflow" / "scripts"
    examples = doctest.DocTestParser()
    written = {
        path.relative_to(ROOT).as_posix()
        for path in library.rglob("*.py")
        if ">>> " in path.read_text(encoding="utf-8") and examples.get_examples(path.read_text(encoding="utf-8"))
    }
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "workflow"],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
    )
    collected = {line.split("::")[0] for line in done.stdout.splitlines() if "::" in line}
    assert written == collected, done.stdout[-2000:]
    assert len(written) > 50
