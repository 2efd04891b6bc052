"""Write the JSON Schema of a ranking: ``make docs-schema``."""

from __future__ import annotations

import json
from pathlib import Path

from api.models import MatchResponse

if __name__ == "__main__":
    schema = json.dumps(MatchResponse.model_json_schema(), indent=2, ensure_ascii=False)
    Path(__file__).with_name("match.schema.json").write_text(schema + "\n", encoding="utf-8")
