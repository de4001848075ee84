"""The JSON schema knows the keys of the manifest."""

from __future__ import annotations

import json
from typing import cast

from paddock.manifest.schema import DIALECT, application_schema, host_schema


def test_the_schema_is_json_and_names_its_dialect() -> None:
    for schema in (application_schema(), host_schema()):
        assert json.loads(json.dumps(schema)) == schema
        assert schema["$schema"] == DIALECT


def test_unknown_keys_are_mistakes_for_an_editor_too() -> None:
    definitions = cast("dict[str, dict[str, object]]", application_schema()["$defs"])
    component = definitions["ComponentTable"]
    assert component["additionalProperties"] is False
    assert component["required"] == ["source"]
    known = cast("dict[str, object]", component["properties"])
    assert {"limits", "reuse", "allowed_outbound_hosts", "key_value_stores"} <= set(known)


def test_triggers_of_other_types_may_have_keys_of_their_own() -> None:
    definitions = cast("dict[str, dict[str, object]]", application_schema()["$defs"])
    assert definitions["OtherTable"]["additionalProperties"] is True
    other = cast("dict[str, object]", definitions["TriggersTable"]["additionalProperties"])
    assert other["type"] == "array"
