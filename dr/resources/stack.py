"""What every stack has: where its state lies, and a provider for each region that it reaches."""

from collections.abc import Mapping, Sequence

from dr.resources.naming import Names
from dr.settings import Settings

from cdktf import LocalBackend, S3Backend, TerraformStack
from cdktf_cdktf_provider_aws.data_aws_caller_identity import DataAwsCallerIdentity
from cdktf_cdktf_provider_aws.provider import AwsProvider, AwsProviderDefaultTags
from constructs import Construct

TAGS = {"Environment": "Production", "DisasterRecovery": "Enabled"}
# Against a dead region Terraform would retry for many minutes; five tries take about five seconds.
MAX_RETRIES = 5
# Terraform has stored locks beside an S3 state since 1.10.
TERRAFORM_VERSION = ">= 1.10.0, < 2.0.0"


class AwsStack(TerraformStack):
    """A Terraform stack whose resources bear the tags of the project, in the first of its regions by default.

    Attributes:
        config: The settings it was made from.
        names: The naming rule, with the environment's suffix.
        account: The id of the account, known at deployment.
        providers: The provider of each region.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        config: Settings,
        *,
        regions: Sequence[str],
        state_in: str,
        max_retries: int = MAX_RETRIES,
    ) -> None:
        super().__init__(scope, id_)
        self.config = config
        self.names = Names(config.environment_suffix)
        self.add_override("terraform.required_version", TERRAFORM_VERSION)
        self._keep_state(state_in)
        self.providers: Mapping[str, AwsProvider] = {
            region: AwsProvider(
                self,
                f"aws-{region}",
                region=region,
                alias=region if place else None,
                max_retries=max_retries,
                default_tags=[AwsProviderDefaultTags(tags=TAGS)],
            )
            for place, region in enumerate(regions)
        }
        self.account = DataAwsCallerIdentity(self, "account").account_id

    def _keep_state(self, region: str) -> None:
        """State lies in a file beside the project, or in the state bucket of a region, locked while in use."""
        stack = self.node.id
        if self.config.state_bucket is None:
            # Relative and the same from every stack's folder (cdktf.out/stacks/<stack>), so no machine's path gets in.
            LocalBackend(self, path=f"../../../terraform.{stack}.tfstate")
            return
        S3Backend(
            self,
            bucket=f"{self.config.state_bucket}-{region}",
            key=f"{self.config.environment_suffix}/{stack}.tfstate",
            region=region,
        )
        self.add_override("terraform.backend.s3.use_lockfile", True)
