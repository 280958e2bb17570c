"""A user of the embedded AWS who has the policies of docs/deployer, and nothing else."""

import json
from collections.abc import Mapping

from drill.emulator import EmbeddedAws
from tools.preflight.deployer import Placeholders, policies

USER = "deployer"
# The embedded AWS asks for this where AWS asks for lambda:GetAlias.
ASKED_INSTEAD = ("lambda:ListAliases",)


def make_deployer(aws: EmbeddedAws, suffix: str) -> Mapping[str, str]:
    """The user is there; the environment of its commands is returned.

    The policies' actions and conditions are tried, their resources are not: the embedded AWS decides about some calls,
    such as iam:CreatePolicy, by other resources than AWS does.
    """
    iam = aws.client("iam", aws.regions[0])
    iam.create_user(UserName=USER)
    values = Placeholders(account=aws.account, suffix=suffix, state_bucket="no-state-bucket")
    wanted = policies(values)
    wanted["asked-instead"] = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ASKED_INSTEAD}]}
    for name, policy in wanted.items():
        for statement in policy["Statement"]:
            statement["Resource"] = "*"
        iam.put_user_policy(UserName=USER, PolicyName=name, PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=USER)["AccessKey"]
    own = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    return {**aws.isolated(), **own}


def remove_deployer(aws: EmbeddedAws) -> None:
    """The user is gone, with its policies and keys."""
    iam = aws.client("iam", aws.regions[0])
    for key in iam.list_access_keys(UserName=USER)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=USER, AccessKeyId=key["AccessKeyId"])
    for name in iam.list_user_policies(UserName=USER)["PolicyNames"]:
        iam.delete_user_policy(UserName=USER, PolicyName=name)
    iam.delete_user(UserName=USER)
