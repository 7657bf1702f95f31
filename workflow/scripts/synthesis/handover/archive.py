"""results/data.zip: the sheets and the pooled numbers as tidy CSV, described by a Frictionless data package.

The descriptor follows the Data Package specification, version 1 (profile ``tabular-data-package``); descriptions come
from :mod:`synthesis.tables.declared`.
"""

import csv
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ..tables.declared import Column, describe, table_name, table_title
from ..tables.files import read_table, write_text
from .zipped import day_of, zip_bytes

DESCRIPTOR = "datapackage.json"
STUDIES = "data/studies"
# What identifies a row; a table of sheets names its study by the sheet.
KEYS = {STUDIES: ["study"], "data/arms": ["study", "arm"]}
DIALECT = {"delimiter": ",", "lineTerminator": "\n", "quoteChar": '"', "doubleQuote": True, "header": True}


def write_archive_file(
    tables: Iterable[str], archive_zip: str, *, results: str, review: Mapping, attributes: Mapping[str, str]
) -> None:
    """Read the tables, describe them and pack all.

    Parameters
    ----------
    tables : iterable of str
        CSV files below ``results``; ``data/studies.csv`` among them.
    archive_zip, results : str
    review : mapping
        The part ``review`` of the config; ``licence`` (name, title, path) when the review has one.
    attributes : mapping
        Attribute of an arm → its label.
    """
    paths = dict(sorted((Path(path).relative_to(results).as_posix(), Path(path)) for path in tables))
    resources = [resource(name, header_of(path), review, attributes) for name, path in paths.items()]
    studies = read_table(paths[f"{STUDIES}.csv"]) if f"{STUDIES}.csv" in paths else []
    descriptor = json.dumps(package(resources, studies, review), ensure_ascii=False, indent=1) + "\n"
    files = {DESCRIPTOR: descriptor.encode(), **{name: path.read_bytes() for name, path in paths.items()}}
    write_text(archive_zip, zip_bytes(files, day_of(str(review["last_search"]))))


def header_of(path: str | Path) -> list[str]:
    """Give the names of the columns of a CSV file."""
    with open(path, encoding="utf-8", newline="") as file:
        return next(csv.reader(file))


def package(resources: Sequence[Mapping], studies: Iterable[Mapping[str, str]], review: Mapping) -> dict:
    """Give the descriptor of the package; the studies are the reports the numbers were read in."""
    licence = review.get("licence")
    return {
        "profile": "tabular-data-package",
        "name": slug(review["title"]),
        "title": review["title"],
        "description": f"{review['question']} {review['limits']}",
        "version": review["version"],
        "created": f"{day_of(str(review['last_search']))}T00:00:00Z",
        **({"licenses": [dict(licence)]} if licence else {}),
        "sources": [source(row) for row in studies],
        "resources": list(resources),
    }


def source(row: Mapping[str, str]) -> dict:
    """Give a report as a source: its title, and where it is found."""
    parts = [row["authors"], row["title"], " ".join(filter(None, (row["journal"], row["year"])))]
    title = ". ".join(part.rstrip(".") for part in parts if part) or row["label"]
    path = f"https://doi.org/{row['doi']}" if row["doi"] else row["url"]
    return {"title": title, **({"path": path} if path else {})}


def resource(name: str, header: Sequence[str], review: Mapping, attributes: Mapping[str, str]) -> dict:
    """Describe one CSV file of the package by its path inside it."""
    table = table_name(name)
    fields = [field(column) for column in describe(table, header, review["unit"], attributes)]
    schema = {"fields": fields, "missingValues": [""]}
    if table in KEYS:
        schema["primaryKey"] = KEYS[table]
    if "study" in header and table != STUDIES:
        reference = {"resource": slug(STUDIES), "fields": "study"}
        schema["foreignKeys"] = [{"fields": "study", "reference": reference}]
    return {
        "profile": "tabular-data-resource",
        "name": slug(name.removesuffix(".csv")),
        "path": name,
        "title": table_title(table),
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "dialect": DIALECT,
        "schema": schema,
    }


def field(column: Column) -> dict:
    """Describe one column."""
    described = {"name": column.name, "type": column.type, "description": column.description}
    return {**described, **({"constraints": {"enum": list(column.allowed)}} if column.allowed else {})}


def slug(text: str) -> str:
    """Give a name as the specification wants it: small letters, digits, ``-``, ``_`` and ``.``.

    >>> slug("data/studies"), slug("How many? A review")
    ('data-studies', 'how-many-a-review')
    """
    return re.sub(r"[^a-z0-9._-]+", "-", text.lower()).strip("-.")
