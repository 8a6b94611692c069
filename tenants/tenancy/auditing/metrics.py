"""What the audit of schemas shows to Prometheus."""

from prometheus_client import Gauge

DIFFERING = Gauge(
    "nts_schemas_differing",
    "Companies' and spare schemas that the last audit found to differ from the template.",
    multiprocess_mode="mostrecent",
)
BEHIND = Gauge(
    "nts_schemas_behind",
    "Companies that lacked a migration at the last audit.",
    multiprocess_mode="mostrecent",
)
AUDITED_AT = Gauge(
    "nts_schema_audit_timestamp_seconds", "When schemas were last audited.", multiprocess_mode="mostrecent"
)
