"""The name that clients call: weighted between the regions, and only to those that are healthy."""

from collections.abc import Mapping, Sequence

from dr.links.link import Link
from dr.regions.region import Region
from dr.resources.data_class import DataClass
from dr.resources.health import RegionHealth, Watcher
from dr.resources.monitoring import Alarm, Metric, Threshold
from dr.resources.policy import Condition, Principals, Statement, document, from_account

from cdktf import TerraformOutput, TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.acm_certificate import AcmCertificate
from cdktf_cdktf_provider_aws.acm_certificate_validation import AcmCertificateValidation
from cdktf_cdktf_provider_aws.apigatewayv2_api_mapping import Apigatewayv2ApiMapping
from cdktf_cdktf_provider_aws.apigatewayv2_domain_name import (
    Apigatewayv2DomainName,
    Apigatewayv2DomainNameDomainNameConfiguration,
)
from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from cdktf_cdktf_provider_aws.cloudwatch_log_resource_policy import CloudwatchLogResourcePolicy
from cdktf_cdktf_provider_aws.route53_query_log import Route53QueryLog
from cdktf_cdktf_provider_aws.route53_record import (
    Route53Record,
    Route53RecordAlias,
    Route53RecordWeightedRoutingPolicy,
)
from cdktf_cdktf_provider_aws.route53_zone import Route53Zone
from constructs import Construct

# API Gateway takes one new domain name in 30 s for a whole account and does not raise that quota (API Gateway quotas,
# CreateDomainName). The regions' stacks retry less: there a dead region must fail fast.
MAX_RETRIES = 25
VALIDATION_TTL_S = 60
DELEGATION_TTL_S = 3600


class Dns(Link):
    """The hosted zone, a health check and a weighted record for each region, and an alarm on each check.

    In a delegated domain clients call ``api.<domain>``, an alias of each region's custom domain, and every region has
    a name of its own, ``<region>.api.<domain>``. In one that nobody delegated certificates would never validate:
    there ``failover-test.<domain>`` points at the regions' own API hosts, which shows what DNS answers.
    """

    def __init__(self, scope: Construct, regions: Sequence[Region]) -> None:
        """Link the regions, of which the first is the primary."""
        super().__init__(scope, "dns", regions, max_retries=MAX_RETRIES)
        self._zone = Route53Zone(
            self,
            "zone",
            name=self.config.domain,
            comment=f"{self.names.regional('hosted-zone')}: failover between regions",
            force_destroy=True,
            tags={"Name": self.names.regional("hosted-zone")},
        )
        self._log_queries()
        checks = {
            region.name: self._create_health(region, [other for other in regions if other is not region])
            for region in regions
        }
        if self.config.domain_delegated:
            self._delegate()
            self._create_domains(regions, checks)
        else:
            for region in regions:
                self._create_weighted_record(
                    region,
                    checks[region.name],
                    name=f"failover-test.{self.config.domain}",
                    type="CNAME",
                    ttl=self.config.record_ttl_s,
                    records=[region.api.host],
                )
        TerraformOutput(self, "name_servers", value=self._zone.name_servers)
        TerraformOutput(self, "client_name", value=self.client_name)

    @property
    def client_name(self) -> str:
        """The name that answers with the healthy regions."""
        return f"{'api' if self.config.domain_delegated else 'failover-test'}.{self.config.domain}"

    def _log_queries(self) -> None:
        """Who asked for which name when; Route 53 writes it to us-east-1 only, where the primary is."""
        group = CloudwatchLogGroup(
            self,
            "query-log-group",
            name=f"/aws/route53/{self.config.domain}",
            kms_key_id=self.primary.key.arn,
            retention_in_days=self.config.log_retention_days,
            tags=DataClass.AUDIT.tag,
        )
        arn = group.arn
        allowed = CloudwatchLogResourcePolicy(
            self,
            "query-log-policy",
            policy_name=self.names.regional("log-policy-route53"),
            policy_document=document(
                [
                    Statement(
                        sid="WriteQueryLog",
                        principals=Principals.service("route53"),
                        actions=("logs:CreateLogStream", "logs:PutLogEvents"),
                        resources=(f"{arn}:*",),
                        conditions=(
                            from_account(self.account),
                            Condition("ArnLike", "aws:SourceArn", (self._zone.arn,)),
                        ),
                    )
                ],
            ),
        )
        Route53QueryLog(
            self, "query-log", zone_id=self._zone.zone_id, cloudwatch_log_group_arn=arn, depends_on=[allowed]
        )

    def _create_health(self, region: Region, others: Sequence[Region]) -> str:
        """Healthy while the region's API finds its own table and nobody evacuates it; an alarm on it."""
        check = RegionHealth(
            self,
            f"health-{region.name}",
            names=self.names,
            region=region.name,
            host=region.api.host,
            watchers=[
                Watcher(region=other.name, topic_arn=other.topic.arn, provider=self.providers[other.name])
                for other in others
            ],
            interval_s=self.config.health_check_interval_s,
            failures=self.config.health_check_failures,
        )
        Alarm(
            self,
            f"alarm-health-{region.name}",
            name=self.names.regional(f"alarm-health-{region.name}"),
            threshold=Threshold(
                metric=Metric(
                    namespace="AWS/Route53",
                    name="HealthCheckStatus",
                    dimensions={"HealthCheckId": check.id},
                    statistic="Minimum",
                ),
                limit=1,
                below=True,
                meaning=f"{region.name} failed {self.config.health_check_failures} health checks in a row, or is "
                "evacuated: DNS answers with the other regions only.",
            ),
            topic_arns=[self.primary.topic.arn],
        )
        return check.id

    def _create_weighted_record(self, region: Region, check: str, **record: object) -> None:
        Route53Record(
            self,
            f"record-{region.name}",
            zone_id=self._zone.zone_id,
            set_identifier=region.name,
            weighted_routing_policy=Route53RecordWeightedRoutingPolicy(weight=region.placed.weight),
            health_check_id=check,
            **record,  # type: ignore[arg-type]  # name and type, and either an alias or ttl and records
        )

    def _delegate(self) -> None:
        """Have the parent zone point here, where the settings name it."""
        if self.config.parent_zone_id is not None:
            Route53Record(
                self,
                "delegation",
                zone_id=self.config.parent_zone_id,
                name=self.config.domain,
                type="NS",
                ttl=DELEGATION_TTL_S,
                records=self._zone.name_servers,
            )

    def _create_domains(self, regions: Sequence[Region], checks: Mapping[str, str]) -> None:
        """Serve the clients' name and a name of its own in each region, with a certificate of that region."""
        shared = f"api.{self.config.domain}"
        certificates = {
            region.name: AcmCertificate(
                self,
                f"certificate-{region.name}",
                domain_name=shared,
                subject_alternative_names=[f"{region.name}.{shared}"],
                validation_method="DNS",
                tags={"Name": self.names.regional(f"certificate-{region.name}")},
                # A custom domain must not lose its certificate before it has the next one.
                lifecycle=TerraformResourceLifecycle(create_before_destroy=True),
                provider=self.providers[region.name],
            )
            for region in regions
        }
        # The clients' name is proven by one record, whichever region's certificate asks.
        proof = self._prove("shared", certificates[self.primary.name], shared)
        for region in regions:
            own = f"{region.name}.{shared}"
            provider, certificate = self.providers[region.name], certificates[region.name]
            proofs = [proof, self._prove(region.name, certificate, own)]
            valid = AcmCertificateValidation(
                self,
                f"validation-{region.name}",
                certificate_arn=certificate.arn,
                validation_record_fqdns=[each.fqdn for each in proofs],
                provider=provider,
            )
            shared_domain = self._create_domain(region, "shared", shared, valid)
            own_domain = self._create_domain(region, "own", own, valid, after=[shared_domain])
            self._create_weighted_record(
                region, checks[region.name], name=shared, type="A", alias=_alias(shared_domain)
            )
            Route53Record(
                self,
                f"name-{region.name}",
                zone_id=self._zone.zone_id,
                name=own,
                type="A",
                alias=_alias(own_domain),
            )

    def _create_domain(
        self,
        region: Region,
        kind: str,
        name: str,
        valid: AcmCertificateValidation,
        after: Sequence[Apigatewayv2DomainName] = (),
    ) -> Apigatewayv2DomainName:
        domain = Apigatewayv2DomainName(
            self,
            f"domain-{kind}-{region.name}",
            domain_name=name,
            domain_name_configuration=Apigatewayv2DomainNameDomainNameConfiguration(
                certificate_arn=valid.certificate_arn, endpoint_type="REGIONAL", security_policy="TLS_1_2"
            ),
            provider=self.providers[region.name],
            depends_on=list(after),
        )
        Apigatewayv2ApiMapping(
            self,
            f"mapping-{kind}-{region.name}",
            api_id=region.api.id,
            domain_name=domain.id,
            stage=region.api.stage,
            provider=self.providers[region.name],
        )
        return domain

    def _prove(self, id_: str, certificate: AcmCertificate, name: str) -> Route53Record:
        """The record by which ACM sees that the name is ours."""

        def option(attribute: str) -> str:
            # A set without order: the option is found by its name.
            options = f"aws_acm_certificate.{certificate.friendly_unique_id}.domain_validation_options"
            return f'${{one([for o in {options} : o.{attribute} if o.domain_name == "{name}"])}}'

        return Route53Record(
            self,
            f"proof-{id_}",
            zone_id=self._zone.zone_id,
            name=option("resource_record_name"),
            type=option("resource_record_type"),
            ttl=VALIDATION_TTL_S,
            records=[option("resource_record_value")],
            allow_overwrite=True,
        )


def _alias(domain: Apigatewayv2DomainName) -> Route53RecordAlias:
    return Route53RecordAlias(
        name=domain.domain_name_configuration.target_domain_name,
        zone_id=domain.domain_name_configuration.hosted_zone_id,
        # It would only fail with API Gateway itself; the record's own check sees more.
        evaluate_target_health=False,
    )
