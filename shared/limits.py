"""Every limit that somebody else sets, named once, with the place where it is written down.

Nothing else in the project may spell these numbers. Own choices (defaults that an operator may change)
live in `shared/settings.py` and `shared/domain/operator.py`.
"""

# --- GitHub: texts ---------------------------------------------------------------------------------------
# "body is too long (maximum is 65536 characters)"; some validators count bytes, so we clip by UTF-8 bytes.
COMMENT_BODY_MAX = 65_536
CHECK_OUTPUT_MAX_BYTES = 65_535  # output.summary and output.text; docs.github.com/rest/checks/runs
CHECK_ANNOTATIONS_PER_REQUEST = 50  # docs.github.com/rest/checks/runs#update-a-check-run
CHECK_ACTIONS_MAX = 3
CHECK_ACTION_LABEL_MAX = 20
CHECK_ACTION_DESCRIPTION_MAX = 40
CHECK_ACTION_IDENTIFIER_MAX = 20

# --- GitHub: requests ------------------------------------------------------------------------------------
API_VERSION = "2026-03-10"  # docs.github.com/rest/about-the-rest-api/api-versions
PAGE_DEFAULT = 30
PAGE_MAX = 100
WEBHOOK_ANSWER_S = 10  # docs.github.com/webhooks/using-webhooks/best-practices
WEBHOOK_PAYLOAD_MAX_BYTES = 25 * 1024 * 1024
DELIVERY_KEPT_DAYS = 3  # failed deliveries can be read and redelivered for three days
CONTENT_WRITES_PER_MINUTE = 80  # secondary limit on content creation
CONTENT_WRITES_PER_HOUR = 500
WRITE_PACE_S = 1.0  # "wait at least one second between each request" (best practices for the REST API)
NOTIFYING_WRITE_PACE_S = 3.0  # octokit/plugin-throttling.js paces notifying writes so
SECONDARY_LIMIT_WAIT_S = 60  # without a retry-after header: at least a minute
INSTALLATION_TOKEN_S = 3600
APP_JWT_MAX_S = 600

# --- AWS -------------------------------------------------------------------------------------------------
ITEM_MAX_BYTES = 400 * 1024  # DynamoDB item
TRANSACTION_MAX_ITEMS = 100
TRANSACTION_MAX_BYTES = 4 * 1024 * 1024
TRANSACTION_TOKEN_S = 600  # ClientRequestToken is remembered for ten minutes
FUNCTION_URL_BODY_MAX_BYTES = 6 * 1024 * 1024
LAMBDA_TIMEOUT_MAX_S = 900
RUN_TASK_CLIENT_TOKEN_MAX = 64

# --- git -------------------------------------------------------------------------------------------------
ZERO_SHA = "0" * 40  # "no commit" in ref updates
EMPTY_TREE_SHA = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
