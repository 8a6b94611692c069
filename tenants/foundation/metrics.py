"""The Prometheus metrics of the ground floor."""

from prometheus_client import Counter, Histogram

_LATENCY_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

HTTP_REQUESTS = Counter(
    "nts_http_requests_total", "Requests answered, by route and status class.", ["method", "route", "status"]
)
HTTP_SECONDS = Histogram(
    "nts_http_request_seconds", "Time to answer a request.", ["method", "route"], buckets=_LATENCY_BUCKETS
)
OUTBOUND_CALLS = Counter(
    "nts_outbound_calls_total", "Calls to outside services, by status or failure.", ["service", "outcome"]
)
OUTBOUND_SECONDS = Histogram(
    "nts_outbound_call_seconds", "Time of calls to outside services.", ["service"], buckets=_LATENCY_BUCKETS
)
SIGN_INS = Counter("nts_sign_ins_total", "Attempts to sign in, by outcome.", ["outcome"])
AUTHORISATION_DENIALS = Counter(
    "nts_authorisation_denials_total", "Refused actions, by permission.", ["code"]
)
CUSTOM_DOMAIN_CHECKS = Counter(
    "nts_custom_domain_checks_total", "Custom domains looked up, by what name servers said.", ["outcome"]
)
COMPANY_LETTERS = Counter(
    "nts_company_letters_total", "Letters handed to companies' own mail servers, by outcome.", ["outcome"]
)
LOG_EVENTS = Counter("nts_log_events_total", "Log lines written, by level.", ["level"])
