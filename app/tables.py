"""Every table, imported once, for migrations."""

from sqlmodel import SQLModel

import app.access.models
import app.authorities.models
import app.authorities.school_terms
import app.case_studies.models
import app.deliveries.models
import app.enquiries.models
import app.feeds.openactive_models
import app.harvests.models
import app.kit.idempotency
import app.kit.secrets
import app.opportunities.matches
import app.opportunities.models
import app.organisations.models
import app.partnerships.models
import app.programmes.models
import app.sources.models
import app.vocabularies.models
import app.webhooks.models  # noqa: F401 - imported for their tables
from app.kit.database import check_lengths

metadata = SQLModel.metadata
check_lengths(metadata)
