"""What ministack answers otherwise than AWS, put right: without these, a second plan after an apply is not empty.

Each mend is one function whose docstring is the symptom, so that it can go when ministack needs it no more.
"""

from __future__ import annotations

from drill.emulator.mends import alarms, backup, cloudwatch, data, ec2, iam, other, route53, sns

MENDS = (
    alarms.evaluate_alarms_period_by_period,
    alarms.word_messages_as_aws_does,
    backup.keep_notifications_of_vaults,
    cloudwatch.describe_alarms_in_full,
    data.encrypt_object_replicas_by_their_rule,
    data.keep_keys_of_table_replicas,
    data.keep_recovery_periods,
    data.tell_policies_the_key_of_an_upload,
    ec2.keep_endpoint_settings,
    ec2.keep_flow_log_settings,
    ec2.keep_prefix_lists_of_rules,
    ec2.know_peering_options,
    iam.ask_for_log_groups_with_all_in_them,
    iam.ask_for_partiql_by_verb_and_table,
    iam.tell_conditions_the_keys_of_items,
    iam.tell_conditions_the_namespace_of_metrics,
    iam.tell_conditions_the_role_of_a_session,
    other.answer_at_the_hosts_of_apis,
    other.check_the_algorithm_of_tokens,
    other.describe_keys_of_aws,
    other.give_jwt_authorizers_no_payload_version,
    other.keep_certificate_settings,
    other.keep_tags_and_log_group_of_new_trails,
    other.refuse_tokens_that_cannot_be_read,
    route53.answer_get_dnssec,
    route53.keep_lists_of_health_checks,
    route53.know_query_logs,
    sns.keep_notifications_on_this_machine,
    sns.return_arns_of_pending_subscriptions,
)


def apply_mends() -> None:
    """Applies every mend; called once, before what builds on the mended functions."""
    for mend in MENDS:
        mend()
