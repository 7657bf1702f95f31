# In:  all rules
# Out: for each, the engine's files it needs as inputs, and the digests by which its jobs know what was planned
# Stands last.
import re

from synthesis.review.index import modules_of
from synthesis.run.seals import digest_of, digest_together

MADE = re.compile(r"results/|logs/")  # where jobs write


def planned(rule):
    """Give a function of the wildcards: the digest of each input that no job makes. A job reads nothing else."""

    def digests(wildcards):
        given = rule.expand_input(wildcards)[0].items()
        return {
            name: digest_together(paths, look_once)
            for name, paths in given
            if paths and not MADE.match(paths if isinstance(paths, str) else paths[0])
        }

    return digests


def look_once(path):
    """Give the digest of a file as it was when the rules were read."""
    return DIGESTS.get(path) or DIGESTS.setdefault(path, digest_of(path))


def by_name(params):
    """Give one digest of the parameters of a rule, with their names."""

    def digest_of_all(wildcards):
        values = {name: value(wildcards) if callable(value) else value for name, value in params}
        return digest_text(repr({k: v for k, v in values.items() if not isinstance(v, Answers)}))

    return digest_of_all


for each in workflow.rules:
    if each.script and each.basedir == workflow.current_basedir:  # not a rule of the review's own
        adapter = SCRIPTS / Path(each.script).name
        # Snakemake does not see an edited import: a change in any of these files runs the rule again.
        each.set_input(library=[str(adapter), *modules_of(adapter)])
        each.set_params(planned=planned(each))
        for path in each.input:
            if isinstance(path, str) and not MADE.match(path):
                look_once(path)
        # It compares the set of all values: two that change places, a label and a note, would go unseen.
        each.set_params(by_name=by_name(list(each.params.items())))


# On a cluster every job reads the rules again: here it finds out that they, or what they read, are others by now.
stamp("plan.json", json.dumps([CHOICES, DIGESTS]))
