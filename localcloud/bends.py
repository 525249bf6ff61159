"""Every private name of ministack, and of its server hypercorn, that the host replaces or relies on, in one table.

ministack is pinned to one version; `check` turns a different one into a sentence instead of a puzzle.
"""

from __future__ import annotations

import importlib
import importlib.metadata

VERSION = "1.5.33"

REPLACED: dict[str, tuple[str, ...]] = {
    "ministack.core.lambda_runtime": ("_worker_class_for",),
    "ministack.services.lambda_svc": ("_execute_function_warm", "_emit_lambda_logs", "_poll_loop"),
    "ministack.services.cloudwatch_logs": ("_fanout_to_subscription_filters",),
    "ministack.services.dynamodb": ("handle_request",),
    "ministack.services.eventbridge": ("_invoke_target", "_now_ts", "start_scheduler"),
    "ministack.services.scheduler": ("time", "start_scheduler"),
    "ministack.services.sns": ("_deliver_to_sqs", "_fanout"),
    "ministack.core.concurrency": ("esm_wake",),
    "ministack.core.iam_actions": ("extract_iam_action",),
    "ministack.core.iam_evaluator": ("_request_origin", "enforce"),
    "hypercorn.protocol.h11": ("WSStream",),
}
"""Module to names that are assigned; each is looked up as a global of its module at every call."""

USED: dict[str, tuple[str, ...]] = {
    "hypercorn.protocol.ws_stream": ("FrameTooLargeError", "WebsocketBuffer"),
    "ministack.app": ("app", "AUTH", "_parse_execute_api_url"),
    "ministack.core.lambda_runtime": (
        "Worker",
        "acquire_worker",
        "release_worker",
        "execution_credentials",
        "_workers",
    ),
    "ministack.core.responses": ("request_scope", "set_request_account_id", "set_request_region"),
    "ministack.core.router": ("extract_access_key_id", "extract_region"),
    "ministack.core.iam_evaluator": (
        "AuthError",
        "EvalContext",
        "caller_arn",
        "evaluate_resource_policy",
        "find_iam_access_key_account",
        "is_root_access_key",
        "pin_request_caller",
        "pin_request_origin",
        "pin_signed_body",
        "pin_signed_request",
        "resolve_caller_identity",
    ),
    "ministack.services.lambda_svc": (
        "_apply_filter_criteria",
        "_dynamodb_stream_positions",
        "_ensure_reaper_thread",
        "_execute_function",
        "_execute_function_with_config_scope",
        "_execution_record_for_config",
        "_get_func_record_for_ref_in_scope",
        "_get_func_record_for_qualifier",
        "_iter_all_esms",
        "_resolve_layer_zip",
        "_send_ddb_stream_failure_record",
        "_sqs_message_attributes_to_camel_case",
        "_xray_trace_id_for_invocation",
    ),
    "ministack.services.apigateway": (
        "_api_owner",
        "_apis",
        "_authorize_ws_iam",
        "_authorizers",
        "_evaluate_authorizer_policy",
        "_extract_lambda_ref_from_integration_uri",
        "_integrations",
        "_request_authorizer_identity_sources",
        "_route_responses",
        "_routes",
        "_stages",
    ),
    "ministack.services.apigateway_v1": ("_stringify_context",),
    "ministack.services.sqs": (
        "_act_send_message",
        "_collect_msgs",
        "_dlq_sweep",
        "_ensure_msg_fields",
        "_expire_retained",
        "_queue_by_arn",
        "queue_policy_allows",
    ),
    "ministack.services.dynamodb": (
        "_tables",
        "stream_end_position",
        "stream_records_since",
        "stream_start_position",
    ),
    "ministack.services.cloudwatch_logs": ("_append_log_events", "_log_groups", "_log_records", "_make_group_arn"),
    "ministack.services.eventbridge": (
        "_ensure_default_bus",
        "_events_log_list",
        "_pattern_event_view",
        "_put_events",
        "_rule_last_fired",
        "_rules",
        "_tick_scheduled_rules",
    ),
    "ministack.services.scheduler": ("_schedule_last_fired", "_schedules", "_tick_schedules"),
    "ministack.services.ses": (
        "_domain_and_parents",
        "_identities",
        "_message_rejection",
        "_sent_emails_list",
        "_templates",
    ),
    "ministack.services.ses_v2": ("_config_sets", "_identities", "_template_content", "handle_request"),
    "ministack.services.sns": ("_topic_by_arn_any_scope", "publish_internal", "topic_policy_allows"),
}
"""Module to names that are called or read."""


class WrongEmulatorError(RuntimeError):
    """The installed ministack is not the one this host was written for; the message is one sentence."""


def check() -> None:
    """Raise `WrongEmulatorError` when the installed ministack is another version or lacks a name of the tables."""
    installed = importlib.metadata.version("ministack")
    if installed != VERSION:
        raise WrongEmulatorError(
            f"ministack {installed} is installed but the embedded cloud needs {VERSION}; run: pip install -e '.[local]'"
        )
    for table in (REPLACED, USED):
        for module, names in table.items():
            found = importlib.import_module(module)
            missing = [name for name in names if not hasattr(found, name)]
            if missing:
                raise WrongEmulatorError(f"there is no {module}.{missing[0]}; run: pip install -e '.[local]'")
