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
    token_issuer: str = ""
    """Who signs the tokens of users that Sunbird's portal passes on; empty: its routes are off."""
    token_jwks_url: str = ""
    token_keys_dir: str = ""
    """The folder of public keys, from the project's; empty is none."""
    token_clients: frozenset[str] = frozenset()
    """The clients whose tokens are taken (`azp`); empty is any."""
    portal_upstream: str = ""
    """The service that has the portal's other datasets, without a slash at the end."""
    metrics_port: int = 0
    """The port of the metrics on the loopback address; 0 is none."""
    download_log: timedelta = timedelta(days=365)
    """How long the ledger keeps who took which files."""

    @property
    def has_portal(self) -> bool:
        """Whether the routes of Sunbird's portal are answered."""
        return bool(self.token_issuer) and self.identity != "laptop"

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
            token_issuer=get("token_issuer", ""),
            token_jwks_url=get("token_jwks_url", ""),
            token_keys_dir=get("token_keys_dir", ""),
            token_clients=frozenset(variables.values.get("token_clients", ())),
            portal_upstream=get("portal_upstream", "").rstrip("/"),
            metrics_port=get("web_metrics_port", 0),
            download_log=timedelta(days=get("download_log_days", 365)),
        )
