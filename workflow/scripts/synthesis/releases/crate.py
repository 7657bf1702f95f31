"""The RO-Crate metadata of an archive: who made it, under which licence, with which software, from what, into what.

Reference: Soiland-Reyes S et al. Packaging research artefacts with RO-Crate. Data Science 2022;5(2),
doi:10.3233/DS-210053; with the profile of workflows (Workflow RO-Crate). The library writes it; nothing is fetched.
"""

import json
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from .readiness import Stated

if TYPE_CHECKING:
    from rocrate.rocrate import ROCrate

METADATA = "ro-crate-metadata.json"
WORKFLOW = "Snakefile"
INPUTS, OUTPUTS = ("config.yaml", "studies/"), "results/"  # of the workflow: paths, or how they begin
FORMATS = {
    ".csv": "text/csv",
    ".html": "text/html",
    ".json": "application/json",
    ".md": "text/markdown",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".yaml": "application/yaml",
    ".zip": "application/zip",
    ".bib": "application/x-bibtex",
    ".ris": "application/x-research-info-systems",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".py": "text/x-python",
}
# What a reader looks for first; anything else is listed by its name alone.
DESCRIPTIONS = {
    "config.yaml": "Every scientific choice of the review",
    "results/report.html": "The report, one self-contained page",
    "results/report.docx": "The report as a document",
    "results/tables.xlsx": "Every table as a workbook",
    "results/data.zip": "The data as a Frictionless data package",
    "results/estimates.csv": "Every pooled estimate",
    "results/changes.md": "What this version changes against the commit and the release before it",
    "results/trajectory.csv": "Every answer, release by release",
    "results/methods.md": "What was done",
    "CITATION.cff": "How to cite this version",
    "LICENSE": "Licences of code and data",
    "uv.lock": "Every software dependency with its version and digest",
}


def crate_metadata(stated: Stated, commit: str, sizes: Mapping[str, int], software: Mapping[str, str]) -> str:
    """Give ``ro-crate-metadata.json``; the same bytes for the same description.

    Parameters
    ----------
    sizes : mapping
        Path inside the archive → size in bytes.
    software : mapping
        Name → version of what built it.
    """
    from rocrate.rocrate import ROCrate

    crate, citation, version = ROCrate(), stated.citation, stated.version
    root = crate.root_dataset
    root["name"], root["version"], root["datePublished"] = citation["title"], version, stated.day
    root["identifier"] = f"v{version}"
    root["description"] = " ".join(str(citation.get("abstract", citation["title"])).split())
    if citation.get("keywords"):
        root["keywords"] = ", ".join(citation["keywords"])
    licences = [citation["license"]] if isinstance(citation["license"], str) else citation["license"]
    root["license"] = [add_thing(crate, f"https://spdx.org/licenses/{x}", "CreativeWork", name=x) for x in licences]
    root["author"] = [add_author(crate, author, i) for i, author in enumerate(citation["authors"], 1)]
    files = {path: add_file(crate, path, size) for path, size in sorted(sizes.items()) if path != WORKFLOW}
    workflow = crate.add_workflow(
        dest_path=WORKFLOW,
        main=True,
        lang="snakemake",
        lang_version=software.get("snakemake"),
        properties={"name": "The workflow that builds every result", "version": version},
    )
    workflow["author"], workflow["license"] = root["author"], root["license"]
    workflow["softwareRequirements"] = [
        add_thing(crate, f"#software-{name.lower()}", "SoftwareApplication", name=name, version=used)
        for name, used in sorted(software.items())
    ]
    parts = [files[path] for path in files if path.startswith("workflow/") and path.endswith((".smk", WORKFLOW))]
    if parts:
        workflow["hasPart"] = parts
    crate.add_action(
        workflow,
        identifier="#build",
        object=[files[path] for path in files if path.startswith(INPUTS)],
        result=[files[path] for path in files if path.startswith(OUTPUTS)],
        properties={"name": f"Build of version {version}", "description": f"From commit {commit}"},
    )
    root["mentions"] = crate.dereference("#build")
    return json.dumps(crate.metadata.generate(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def add_thing(crate: "ROCrate", identifier: str, kind: str, **properties: str):
    """Add something outside the archive: a licence by its SPDX identifier, a program, a group of authors."""
    from rocrate.model.contextentity import ContextEntity

    return crate.add(ContextEntity(crate, identifier, properties={"@type": kind, **properties}))


def add_author(crate: "ROCrate", author: Mapping, number: int):
    """Add an author of ``CITATION.cff``: a person, or a group that has only a name."""
    from rocrate.model.person import Person

    identifier = author.get("orcid") or f"#author-{number}"
    if "name" in author:
        return add_thing(crate, identifier, "Organization", name=author["name"])
    names = [author.get(key) for key in ("given-names", "name-particle", "family-names", "name-suffix")]
    properties = {"name": " ".join(filter(None, names))}
    if author.get("affiliation"):
        properties["affiliation"] = author["affiliation"]
    return crate.add(Person(crate, identifier, properties=properties))


def add_file(crate: "ROCrate", path: str, size: int):
    """Add a file with its size and, where they are known, its format and what it is."""
    properties = {"name": DESCRIPTIONS.get(path, path), "contentSize": str(size)}
    if kind := FORMATS.get(PurePosixPath(path).suffix):
        properties["encodingFormat"] = kind
    return crate.add_file(dest_path=path, properties=properties)
