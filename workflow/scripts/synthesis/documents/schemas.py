"""JSON Schemas of the sheet and the config, generated from the typed models: editors complete and check with them."""

import json
from pathlib import Path
from typing import Any

from ..protocol.config import Protocol, read_protocol
from ..sheets.sheet import Sheet
from ..tables.files import write_text
from ..words.levels import MIXED

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ENGINE = Path(__file__).parents[3] / "schemas"


def config_schema() -> dict[str, Any]:
    """Give the JSON Schema of ``config.yaml``."""
    return {"$schema": DIALECT, **Protocol.model_json_schema(by_alias=True)}


def sheet_schema(protocol: Protocol | None = None) -> dict[str, Any]:
    """Give the JSON Schema of a sheet; a protocol adds the words of its review, so that an editor completes them."""
    schema = {"$schema": DIALECT, **Sheet.model_json_schema(by_alias=True)}
    arm = schema["$defs"]["Arm"]
    arm["additionalProperties"] = {"type": "string"}
    if protocol is None:
        return schema
    for name in ("Outcome", "Comparison"):
        schema["$defs"][name]["properties"]["outcome"] = {"enum": list(protocol.outcomes)}
    schema["properties"]["ascertainment"] = {"enum": list(protocol.ascertainment)}
    schema["properties"]["design"] |= {"enum": list(protocol.every_design)}
    arm["additionalProperties"] = False
    for attribute in ("product", *protocol.attributes):
        arm["properties"][attribute] = {"enum": [*protocol.levels(attribute), MIXED]}
    return schema


def texts() -> dict[Path, str]:
    """Give path → content of every generated schema."""
    schemas = {
        ENGINE / "sheet.schema.json": sheet_schema(),
        ENGINE / "config.schema.json": config_schema(),
        Path("studies/sheet.schema.json"): sheet_schema(read_protocol("config.yaml")),
    }
    return {path: json.dumps(schema, indent=1, ensure_ascii=False) + "\n" for path, schema in schemas.items()}


def main() -> None:
    """Write them."""
    for path, text in texts().items():
        write_text(path, text)


if __name__ == "__main__":
    main()
