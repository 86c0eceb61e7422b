"""Where tasks run: public subnets without a NAT gateway (which would cost by the hour), nothing may call in."""

from __future__ import annotations

from collections.abc import Iterable

from aws_cdk import aws_ec2 as ec2
from constructs import Construct


class Network(Construct):
    """Two subnets, so that a zone without capacity does not end everything; a security group that only lets out."""

    def __init__(self, scope: Construct, name: str, *, egress_ports: Iterable[int]) -> None:
        super().__init__(scope, name)
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr("10.73.0.0/20"),
            max_azs=2,
            nat_gateways=0,
            subnet_configuration=[
                ec2.SubnetConfiguration(
                    name="public", subnet_type=ec2.SubnetType.PUBLIC, cidr_mask=24, map_public_ip_on_launch=False
                )
            ],
        )
        self.group = ec2.SecurityGroup(
            self, "Task", vpc=self.vpc, description="Tasks of Persevere: out only", allow_all_outbound=False
        )
        for port in egress_ports:
            self.group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(port), "clone, set-up, job_api")
        self.subnets = ",".join(subnet.subnet_id for subnet in self.vpc.public_subnets)
        self.group_id = self.group.security_group_id
