"""The contract is a file, it is current, and it is whole."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from openapi_spec_validator import validate
from starlette.testclient import TestClient

from app.kit import contract
from app.main import create_app, openapi_document
from app.settings import Settings
from tests import build, enquiring

METHODS = {"get", "put", "post", "patch", "delete"}


@pytest.fixture(scope="module")
def committed() -> Any:
    return json.loads(contract.committed().read_text(encoding="utf-8"))


def operations(document: Any) -> Iterator[tuple[str, str, Any]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in METHODS:
                yield path, method, operation


def test_the_committed_file_is_current() -> None:
    made = contract.text(openapi_document(create_app(Settings())))
    assert made == contract.committed().read_text(encoding="utf-8"), "run: python -m app openapi"


def test_it_is_valid(committed: Any) -> None:
    assert committed["openapi"].startswith("3.1")
    validate(committed)


def test_every_operation_is_documented(committed: Any) -> None:
    names = []
    for path, method, operation in operations(committed):
        where = f"{method} {path}"
        names.append(operation["operationId"])
        assert operation["operationId"].isidentifier(), where
        assert operation.get("summary"), where
        assert operation.get("description"), where
        assert operation["tags"], where
        assert operation["security"], where
        for parameter in operation.get("parameters", ()):
            assert parameter["schema"], where
            assert parameter["description"], f"{where}: {parameter['name']}"
    assert len(names) == len(set(names))


def test_schemas_have_names_that_clients_can_bear(committed: Any) -> None:
    for name, schema in committed["components"]["schemas"].items():
        assert re.fullmatch(r"([A-Z][a-z]+)+", name), name
        assert schema.get("description"), name


def test_every_error_is_a_problem(committed: Any) -> None:
    for path, method, operation in operations(committed):
        errors = {s: r for s, r in operation["responses"].items() if s.startswith(("4", "5"))}
        assert {"422", "429", "500", "503"} <= set(errors), f"{method} {path}"
        for status, response in errors.items():
            assert list(response["content"]) == ["application/problem+json"], (path, status)
            schema = response["content"]["application/problem+json"]["schema"]
            assert schema == {"$ref": "#/components/schemas/Problem"}


def test_edits_ask_for_if_match(committed: Any) -> None:
    for path, method, operation in operations(committed):
        found = {p["name"]: p.get("required", False) for p in operation.get("parameters", ())}
        where = f"{method} {path}"
        if "428" in operation["responses"]:
            assert found["If-Match"] is (operation["operationId"] != "putVocabularyTerm"), where
        assert ("Idempotency-Key" in found) <= (method == "post"), where


def test_patches_are_merge_patches(committed: Any) -> None:
    schemas = committed["components"]["schemas"]
    for path, method, operation in operations(committed):
        if method == "patch":
            content = operation["requestBody"]["content"]
            assert list(content) == ["application/merge-patch+json", "application/json"], path
            name = content["application/json"]["schema"]["$ref"].rpartition("/")[2]
            assert "required" not in schemas[name]
            for member, schema in schemas[name]["properties"].items():
                assert {"type": "null"} in schema["anyOf"], f"{name}.{member}"


def test_what_is_made_has_an_address(committed: Any) -> None:
    for path, method, operation in operations(committed):
        if "201" in operation["responses"]:
            assert "Location" in operation["responses"]["201"]["headers"], f"{method} {path}"


class TestExamples:
    """The bodies of `openapi/examples.json` do what they show, one after the other."""

    def test_every_body_has_one(self, committed: Any) -> None:
        schemas = committed["components"]["schemas"]
        for path, _, operation in operations(committed):
            for media in operation.get("requestBody", {}).get("content", {}).values():
                if "binary" in str(media["schema"]):
                    continue  # a workbook, or a form with a file
                assert "example" in media, path
                schema = {**media["schema"], "components": {"schemas": schemas}}
                Draft202012Validator(schema).validate(media["example"])

    def test_they_work(self, client: TestClient, keys: build.Keys, committed: Any) -> None:
        examples = {
            operation["operationId"]: next(iter(operation["requestBody"]["content"].values()))
            for _, _, operation in operations(committed)
            if "requestBody" in operation
        }

        def send(name: str, method: str, path: str) -> Any:
            answer = client.request(
                method,
                f"/v1/{path}",
                json=examples[name]["example"],
                headers={**keys.admin, "If-Match": "*"},
            )
            assert answer.status_code in {200, 201}, f"{name}: {answer.text}"
            if answer.status_code == 201:
                assert answer.headers["location"].startswith("http://testserver/v1/"), name
            return answer.json()

        send("createOrganisation", "POST", "organisations")
        send("updateOrganisation", "PATCH", "organisations/dance-hub")
        send("replaceOrganisation", "PUT", "organisations/dance-hub")
        send("createVenue", "POST", "venues")
        send("updateVenue", "PATCH", "venues/the-dance-room")
        send("replaceVenue", "PUT", "venues/the-dance-room")
        send("createPartnership", "POST", "partnerships")
        send("updatePartnership", "PATCH", "partnerships/walsall")
        send("replacePartnership", "PUT", "partnerships/walsall")
        send("replacePartnershipAreas", "PUT", "partnerships/birmingham/areas")
        send("addPartnershipStage", "POST", "partnerships/birmingham/stages")
        send("replacePartnershipPriorities", "PUT", "partnerships/birmingham/priorities")
        member = send("addPartnershipMember", "POST", "partnerships/birmingham/members")["id"]
        send("updatePartnershipMember", "PATCH", f"partnerships/birmingham/members/{member}")
        send("replacePartnershipMember", "PUT", f"partnerships/birmingham/members/{member}")
        send("createProgramme", "POST", "programmes")
        send("updateProgramme", "PATCH", "programmes/young-writers")
        send("replaceProgramme", "PUT", "programmes/young-writers")
        send("replaceProgrammeBudget", "PUT", "programmes/young-writers/budget")
        study = send("createCaseStudy", "POST", "case-studies")["slug"]
        send("updateCaseStudy", "PATCH", f"case-studies/{study}")
        send("replaceCaseStudy", "PUT", f"case-studies/{study}")
        send("createKey", "POST", "keys")
        webhook = send("createWebhook", "POST", "webhooks")["id"]
        send("updateWebhook", "PATCH", f"webhooks/{webhook}")
        send("replaceWebhook", "PUT", f"webhooks/{webhook}")
        assert send("replayFailedDeliveries", "POST", f"webhooks/{webhook}/replay")["replayed"] == 0
        send("putVocabularyTerm", "PUT", "vocabularies/artform/terms/juggling")
        send("updateAuthority", "PATCH", "authorities/E08000025")
        send("replaceAuthority", "PUT", "authorities/E08000025")
        assert send("replaceSchoolTerms", "PUT", "school-terms")["added"] == 3
        assert send("retryDeliveries", "POST", "deliveries/retry")["remaining"] == 0
        source = send("createSource", "POST", "sources")["key"]
        pushed = send("pushOpportunity", "PUT", f"sources/{source}/opportunities/prog-200")
        assert (pushed["outcome"], pushed["status"]) == ("created", "published")
        report = send("pushBatch", "POST", f"sources/{source}/batches")
        assert {item["status"] for item in report["items"]} == {"published"}
        send("updateOpportunity", "PATCH", f"opportunities/{pushed['id']}")
        send("withdrawOpportunity", "POST", f"opportunities/{pushed['id']}/withdraw")
        moderated = client.get(f"/v1/sources/{source}", headers=keys.admin).json()
        moderated = {**moderated, "trust": "moderated"}
        headers = {**keys.admin, "If-Match": "*"}
        client.put(f"/v1/sources/{source}", json=moderated, headers=headers)
        waiting = send("pushOpportunity", "PUT", f"sources/{source}/opportunities/prog-300")
        assert waiting["status"] == "submitted"
        send("rejectOpportunity", "POST", f"opportunities/{waiting['id']}/reject")
        report = send("moderateOpportunities", "POST", "opportunities/moderation")
        assert report["items"][0]["error"]["code"] == "not_found"
        send("updateSource", "PATCH", f"sources/{source}")
        send("createOpportunity", "POST", "opportunities")
        self._ask(client, keys, examples)

    def _ask(self, client: TestClient, keys: build.Keys, examples: dict[str, Any]) -> None:
        """Enquiries: a form, then each step that takes a body."""

        def post(name: str, path: str, headers: Mapping[str, str], **more: Any) -> Any:
            body = {**examples[name]["example"], **more}
            answer = client.post(f"/v1/{path}", json=body, headers=headers)
            assert answer.status_code in {200, 202}, f"{name}: {answer.text}"
            return answer.json()

        staff = {**keys.admin, "If-Match": "*"}
        token = client.get("/v1/enquiries/challenge").json()["form_token"]
        references = [
            post("createEnquiry", "enquiries", {}, form_token=token)["reference"] for _ in range(2)
        ]
        listed = client.get("/v1/enquiries", headers=keys.staff).json()["items"]
        second, first = (f"enquiries/{item['id']}" for item in listed)
        post("assignEnquiry", f"{first}/assign", staff)
        post("addEnquiryNote", f"{first}/note", staff)
        post("holdEnquiry", f"{first}/hold", staff)
        post("reassignEnquiry", f"{first}/reassign", staff)
        link = enquiring.link_of(enquiring.mails(client, "enquiry_confirmation")[0])
        post("addMyEnquiryMessage", "my-enquiry/messages", link)
        post("mergeEnquiry", f"{second}/merge", staff, into=references[0])
        post("replyToEnquiry", f"{first}/reply", staff)
        post("closeEnquiry", f"{first}/close", staff)
        assert len(post("getSubjectAccess", "enquiries/subject-access", staff)["enquiries"]) == 2


def test_writes_need_a_key(committed: Any) -> None:
    for path, method, operation in operations(committed):
        where = f"{method} {path}"
        if path.startswith("/v1/my-enquiry"):
            assert operation["security"] == [{"enquiry_link": []}], where
        elif where == "post /v1/enquiries":
            assert operation["security"] == [{}, {"key": []}], where
        elif method != "get":
            assert operation["security"] == [{"key": []}], where
