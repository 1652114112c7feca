"""Is this model fair? The same questions of a study and of anybody's scores."""

from faircmr.fairness.audit.audit import Audit, audit, audit_models
from faircmr.fairness.audit.parameters import AuditColumns, AuditParameters
from faircmr.fairness.audit.strategies import audit_strategies

__all__ = ["Audit", "AuditColumns", "AuditParameters", "audit", "audit_models", "audit_strategies"]
