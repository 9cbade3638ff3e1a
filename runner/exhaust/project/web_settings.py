"""The variables of dbt_project.yml for `exhaust serve`."""

from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Self

from exhaust.project.variables import Variables


@dataclass(frozen=True)
class WebSettings:
    """How people reach the pages, and who they are."""

    identity: str = "laptop"
    public_url: str = ""
    """The address that people type, such as https://reports.example.org; empty on a laptop."""
    operators: frozenset[str] = frozenset()
    """The IDs of users who also see the pages of operators."""
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_user_claim: str = ""
    """The claim with the user ID; empty is the text after the last colon of `sub`."""
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    proxy_user_header: str = "X-Exhaust-User"
    metrics_port: int = 0
    """The port of the metrics on the loopback address; 0 is none."""
    download_log: timedelta = timedelta(days=365)
    """How long the ledger keeps who took which files."""

    @classmethod
    def of(cls, variables: Variables) -> Self:
        """Returns the settings in the variables, which were checked."""
        get = variables.get
        return cls(
            identity=get("web_identity", "laptop"),
            public_url=get("web_public_url", "").rstrip("/"),
            operators=frozenset(variables.values.get("web_operators", ())),
            oidc_issuer=get("oidc_issuer", ""),
            oidc_client_id=get("oidc_client_id", ""),
            oidc_user_claim=get("oidc_user_claim", ""),
            trusted_proxies=tuple(map(ip_network, variables.values.get("trusted_proxies", ()))),
            proxy_user_header=get("proxy_user_header", "X-Exhaust-User"),
            metrics_port=get("web_metrics_port", 0),
            download_log=timedelta(days=get("download_log_days", 365)),
        )
