"""Sunbird's own portal, as its source has it, for the tests of its API."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx


@dataclass
class PortalPage:
    """What Sunbird's portal does for one user and batch: the page in the browser, and the server
    behind it, which passes calls on (release 8.1.0: `OnDemandReportsComponent`, reportRoutes.js).
    """

    service: str
    """The setting `sunbird_data_product_service`."""
    token: str
    batch: Mapping[str, str]
    report_types: Sequence[Mapping[str, str]]
    user_id: str = ""
    jobs: list[dict[str, Any]] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    """What the page has shown as errors."""
    browser: httpx.Client = field(default_factory=lambda: httpx.Client(trust_env=False))

    @property
    def tag(self) -> str:
        return f"{self.batch['courseId']}_{self.batch['batchId']}"

    def load_reports(self) -> None:
        answer = self._call("GET", f"/report/request/list/{self.tag}")
        if answer is not None:
            self.jobs = [self._titled(job) for job in answer["result"]["jobs"]]

    def submit(self, dataset: str, password: str = "") -> bool:
        """Presses the button; returns whether the page has asked at all."""
        (chosen,) = [one for one in self.report_types if one["dataset"] == dataset]
        if self._is_in_progress(dataset):
            self.messages.append("requestFailed")
            return False
        request = {
            "tag": self.tag,
            "requestedBy": self.user_id,
            "dataset": dataset,
            "datasetConfig": {"batchId": self.batch["batchId"]},
            "output_format": "csv",
        }
        if chosen.get("encrypt") == "true":
            request["encryptionKey"] = password
        answer = self._call("POST", "/report/request/submit", {"request": request})
        if answer is not None and answer.get("result"):
            result = answer["result"]
            if result["status"] == "FAILED":
                self.messages.append(result.get("statusMessage") or "requestFailed")
            self.jobs = [self._titled(result), *self.jobs][:10]
        return True

    def open_link(self, job: Mapping[str, Any], now: float) -> httpx.Response | None:
        """Follows the link of a job, at a time in milliseconds."""
        has_expired = "expiresAt" in job and now > (job["expiresAt"] or 0)
        if not has_expired:
            return self._open(job["downloadUrls"])
        tag = job["tag"].split(":")[0]
        query = f"?requestId={job['requestId']}"
        answer = self._call("GET", f"/report/request/read/{tag}{query}")
        return self._open((answer or {}).get("result", {}).get("downloadUrls") or [])

    def _open(self, urls: Sequence[str]) -> httpx.Response | None:
        if not urls:
            self.messages.append("Could not fetch data")
            return None
        # In a new tab: without any header of the portal.
        return httpx.get(urls[0], trust_env=False)

    def _is_in_progress(self, dataset: str) -> bool:
        of_dataset = [job for job in self.jobs if job["dataset"] == dataset]
        newest = sorted(of_dataset, key=lambda job: job["jobStats"]["dtJobSubmitted"])[-1:]
        return any(job["status"].lower() in ("submitted", "processing") for job in newest)

    def _titled(self, job: dict[str, Any]) -> dict[str, Any]:
        titles = {one["dataset"]: one["title"] for one in self.report_types}
        return {**job, "title": titles.get(job["dataset"])}

    def _call(self, method: str, path: str, body: object = None) -> dict[str, Any] | None:
        """The portal's server: joins the paths without a slash, and adds its headers to those of
        the browser."""
        parts = urlsplit(self.service + path.replace("/report/", "dataset/v1/", 1))
        answer = self.browser.request(
            method,
            f"{parts.scheme}://{parts.netloc}{parts.path}{'?' if parts.query else ''}{parts.query}",
            json=body,
            headers={
                "Origin": "https://portal.example.org",
                "Sec-Fetch-Site": "same-origin",
                "Cookie": "connect.sid=of-the-portal",
                "Authorization": "Bearer kong",
                "X-Channel-Id": "t",
                "X-Authenticated-Userid": self.user_id,
                "x-authenticated-user-token": self.token,
            },
        )
        if answer.status_code >= 400:
            self.messages.append("Could not fetch data")
            return None
        content: dict[str, Any] = answer.json()
        return content
