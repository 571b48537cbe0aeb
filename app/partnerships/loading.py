"""The partnerships that come with the software: the twelve that the regional team lists."""

import json
from pathlib import Path

from app.access.models import SYSTEM
from app.kit.database import Database
from app.partnerships import queries
from app.partnerships.actions import create_partnership
from app.partnerships.models import PartnershipWrite

SHIPPED = Path(__file__).parent / "data" / "partnerships.json"
"""Names, aliases, stages and areas as the regional team lists them."""
REASON = "As listed by the regional team"


def load_partnerships(database: Database) -> int:
    """Add the partnerships that are missing, and answer how many; the others stay as they are.

    Terms and authorities are loaded first: a Problem names the one that is not there. A
    partnership that staff renamed or deleted does not come back.
    """
    writes = [PartnershipWrite.model_validate(item) for item in json.loads(SHIPPED.read_bytes())]
    with database.writing() as session:
        known = queries.origins(session)
        missing = [write for write in writes if write.slug not in known]
        for write in missing:
            create_partnership(session, SYSTEM, write, reason=REASON, loaded_as=write.slug)
    return len(missing)
