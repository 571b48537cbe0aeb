"""Mail: rendered when it is queued, and how it looks on the way and to whoever reads it."""

import logging
import os
import ssl
import subprocess
import sys
from datetime import timedelta
from email.utils import parsedate_to_datetime
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import time_machine
import trustme
from jinja2 import UndefinedError
from sqlalchemy import func
from sqlmodel import Session, select

from app import cli
from app.deliveries import mail
from app.deliveries.actions import forget
from app.deliveries.letters import ConsoleMail, Letterhead, letter
from app.deliveries.mail import TEMPLATES, message_id_for, queue_mail, rendered
from app.deliveries.models import Delivery, Message
from app.deliveries.smtp import SmtpSender
from app.deliveries.worker import Retry, Worker
from app.kit.database import Database
from tests import build
from tests.post_office import (
    ADA,
    HEAD,
    HOST,
    START,
    PostOffice,
    PowerCut,
    encrypted,
    handing_in,
    message,
    postman,
    put,
    queue,
    row,
    sender,
    signing_in,
)

ROOT = Path(__file__).parents[2]
HOUR = timedelta(hours=1)


class TestTemplates:
    @pytest.mark.parametrize("path", sorted(TEMPLATES.glob("*.txt")), ids=lambda path: path.stem)
    def test_each_has_both_parts_and_a_subject(self, path: Path) -> None:
        assert path.with_suffix(".html").exists()
        if path.stem != "layout":
            assert "{% block subject %}" in path.read_text(encoding="utf-8")

    def test_html_is_escaped_and_text_is_not(self) -> None:
        values = {"subject": "Tom & Ada", "paragraphs": ["<b>5 < 6</b>"], "link": None}
        made = rendered("notice", values)
        assert made["subject"] == "Tom & Ada"
        assert "<b>5 < 6</b>" in made["text"]
        assert "&lt;b&gt;5 &lt; 6&lt;/b&gt;" in made["html"]
        assert "<title>Tom &amp; Ada</title>" in made["html"]

    def test_a_missing_value_fails_where_it_was_caused(self) -> None:
        with Session() as session:
            with pytest.raises(UndefinedError):
                queue_mail(session, template="notice", to=ADA, values={"subject": "Hello"})
            assert not session.new

    def test_direction_and_control_characters_are_taken_out(self) -> None:
        values = {
            "subject": "invoice\u202efdp.exe \u2067x",
            "paragraphs": ["a\u202eb\x00c\x1bd\r\ne"],
            "link": None,
        }
        made = rendered("notice", values)
        assert made["subject"] == "invoicefdp.exe x"
        assert made["text"].startswith("abcd\ne\n")

    def test_a_long_subject_is_cut(self) -> None:
        made = rendered("notice", {"subject": "x" * 900, "paragraphs": [], "link": None})
        assert made["subject"] == "x" * 199 + "…"


class TestQueueing:
    def test_rolls_back_with_its_transaction(self, database: Database) -> None:
        def queue_and_fail() -> None:
            with database.writing() as session:
                queue(session)
                session.flush()
                raise PowerCut

        with pytest.raises(PowerCut):
            queue_and_fail()
        with database.reading() as session:
            assert session.exec(select(func.count()).select_from(Delivery)).one() == 0

    @pytest.mark.parametrize(
        "hostile",
        [
            {"subject": "Hello\r\nBcc: all@example.org"},
            {"subject": "Hello\nBcc: all@example.org"},
            {"subject": "Hello\rBcc: all@example.org"},
            {"subject": "Hello\u2028Bcc: all@example.org"},
            {"subject": "Hello\x0bBcc: all@example.org"},
            {"subject": "Hello\x00"},
            {"subject": "Hello \ud800"},
            {"subject": "  "},
            {"to": "ada@example.org\r\nBcc: all@example.org"},
            {"to": "ada@example.org, all@example.org"},
            {"to": "ada@example.org>\nRCPT TO:<all@example.org"},
            {"to": "Ada <ada@example.org>"},
            {"to": '"a b"@example.org'},
            {"to": "ada(comment)@example.org"},
            {"to": ""},
            {"reply_to": "ada@example.org\nBcc: all@example.org"},
            {"reply_to": "jörg@example.org"},
            {"message_id": "<a@b>\r\nBcc: all@example.org"},
            {"message_id": "plain"},
            {"in_reply_to": "<a@b> <c@d>"},
            {"references": ["<a@b>", "<c\n@d>"]},
        ],
        ids=repr,
    )
    def test_what_would_break_out_of_its_place_is_refused(self, hostile: dict[str, Any]) -> None:
        with Session() as session:
            with pytest.raises(ValueError, match=r"\S"):
                queue(session, **hostile)
            assert not session.new

    @pytest.mark.parametrize("name", ["../notice", "notice.html", "", "Notice"])
    def test_a_template_is_a_plain_name(self, name: str) -> None:
        with Session() as session, pytest.raises(ValueError, match="plain name"):
            queue_mail(session, template=name, to=ADA, values={})

    def test_forgetting_what_it_is_about(self, database: Database, office: PostOffice) -> None:
        about, other = uuid4(), uuid4()
        office.refusals["gone@example.org"] = "550 5.1.1 No such user"
        sent, dead = put(database, about=about), put(database, to="gone@example.org", about=about)
        postman(database, office).tick()
        waiting, kept = put(database, about=about), put(database, about=other)
        assert row(database, sent).delivered_at
        assert row(database, dead).abandoned_at
        assert row(database, waiting).attempts == 0
        with database.writing() as session:
            queue(session, about=about)  # in this very transaction
            assert forget(session, about) == 4
        with database.reading() as session:
            assert list(session.exec(select(Delivery.id))) == [kept]

    def test_forgetting_one_that_is_being_sent(
        self, database: Database, office: PostOffice
    ) -> None:
        about = uuid4()
        put(database, about=about)

        def erase(_: object) -> None:
            with database.writing() as session:
                assert forget(session, about) == 1

        office.taken = erase
        postman(database, office).tick()
        office.taken = lambda _: None
        postman(database, office).tick()
        assert len(office.posted) == 1
        with database.reading() as session:
            assert session.exec(select(func.count()).select_from(Delivery)).one() == 0


class TestLetters:
    def test_arrives_whole(
        self, database: Database, office: PostOffice, clock: time_machine.Traveller
    ) -> None:
        before = [message_id_for(uuid4()) for _ in range(3)]
        values = {"subject": "Grüße", "paragraphs": ["5 < 6 & ü"], "link": "https://x.example/?a=1"}
        with database.writing() as session:
            made = queue_mail(
                session,
                template="notice",
                to="ada@grüße.example.org",
                values=values,
                reply_to="hub@example.org",
                in_reply_to=before[-1],
                references=before,
            )
        clock.shift(HOUR)
        postman(database, office).tick()
        (posted,) = office.posted
        assert posted.sender == "lcep@example.org"
        assert posted.recipient == "ada@xn--gre-6ka8l.example.org"
        mail = posted.mail
        assert mail["From"] == "The LCEP team <lcep@example.org>"
        assert mail["To"] == "ada@xn--gre-6ka8l.example.org"
        assert mail["Reply-To"] == "hub@example.org"
        assert mail["Subject"] == "Grüße"
        assert parsedate_to_datetime(mail["Date"]) == START
        assert mail["Auto-Submitted"] == "auto-generated"
        assert mail["Message-ID"] == f"<{made.id.hex}@lcep.example.org>"
        ours = [each.replace("domain.invalid", "lcep.example.org") for each in before]
        assert mail["In-Reply-To"] == ours[-1]
        assert mail["References"].split() == ours
        assert mail.get_content_type() == "multipart/alternative"
        assert "5 < 6 & ü" in posted.part("plain")
        assert "https://x.example/?a=1" in posted.part("plain")
        assert "5 &lt; 6 &amp; ü" in posted.part("html")
        assert not mail.defects

    def test_the_same_to_the_last_byte_each_time(self, clock: time_machine.Traveller) -> None:
        made = message()
        first = letter(made, HEAD)
        clock.shift(HOUR)
        assert letter(made, HEAD) == first

    def test_seven_bits_and_short_lines_whatever_it_says(self) -> None:
        odd = Letterhead("lcep@example.org", '"LCEP", the; tëam <x@y>\u0000'[:-1], "", "d" * 60)
        long = "<" + "r" * 60 + "@" + "d" * 100 + ">"
        made = message("Ünï " * 45, references=[long] * 9)
        payload = {**made.payload, "text": "ü" * 5000 + "\n.\n", "html": "<p>" + "y" * 5000}
        sent = letter(Message(made.id, made.topic, ADA, payload, 1), odd)
        assert sent.isascii()
        assert b"\n" not in sent.replace(b"\r\n", b"")
        assert max(map(len, sent.split(b"\r\n"))) < 998
        found = self._read(sent)
        assert found["Subject"] == ("Ünï " * 45).strip()
        assert found["From"].addresses[0].display_name == '"LCEP", the; tëam <x@y>'
        assert found["From"].addresses[0].addr_spec == "lcep@example.org"
        assert found["References"].split() == [long] * 9

    def test_what_a_person_wrote_is_not_called_automatic(self) -> None:
        assert self._read(letter(message(automatic=False), HEAD))["Auto-Submitted"] is None

    def test_a_message_id_of_our_own_choice(self) -> None:
        chosen = message_id_for(uuid4())
        found = self._read(letter(message(message_id=chosen), HEAD))
        assert found["Message-ID"] == chosen.replace("domain.invalid", "lcep.example.org")
        foreign = message(in_reply_to="<x.1@mail.example.com>")
        assert self._read(letter(foreign, HEAD))["References"] == "<x.1@mail.example.com>"

    def test_the_date_of_one_that_is_put_off_is_when_it_is_due(
        self, clock: time_machine.Traveller
    ) -> None:
        found = self._read(letter(message(after=HOUR), HEAD))
        assert parsedate_to_datetime(found["Date"]) == START + HOUR

    def test_a_dot_on_a_line_of_its_own_does_not_end_it(self, office: PostOffice) -> None:
        made = message()
        payload = {**made.payload, "text": "before\n.\nRCPT TO:<all@example.org>\n"}
        with handing_in(office) as hand_in:
            hand_in(Message(made.id, made.topic, ADA, payload, 1))
        assert office.posted[0].part("plain").replace("\r", "") == payload["text"]

    @staticmethod
    def _read(raw: bytes) -> Any:
        from email import message_from_bytes, policy

        return message_from_bytes(raw, policy=policy.SMTP)


class TestConsole:
    def test_by_default_nothing_personal_is_shown(
        self,
        database: Database,
        caplog: pytest.LogCaptureFixture,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        made = put(database, "About Ada")
        with caplog.at_level(logging.DEBUG, "app"):
            Worker(database, cli.senders(build.settings("sqlite://"))).tick()
        assert caplog.messages == [f"delivery mail.notice {made}"]
        shown = capfd.readouterr()
        assert "ada" not in (shown.out + shown.err + caplog.text).casefold()
        assert row(database, made).delivered_at

    def test_for_development_a_setting_shows_whole_mails(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        senders = cli.senders(build.settings("sqlite://", mail_show=True))
        senders["mail"](message("About Ada"))
        shown = capsys.readouterr().err
        assert f"To: {ADA}\nSubject: About Ada\n\nA line.\n" in shown

    def test_on_a_stream(self) -> None:
        stream = StringIO()
        ConsoleMail(HEAD, stream)(message())
        assert "From: The LCEP team <lcep@example.org>\n" in stream.getvalue()


class TestEncryption:
    @pytest.fixture
    def authority(self) -> trustme.CA:
        return trustme.CA()

    @pytest.fixture
    def context(self, authority: trustme.CA) -> ssl.SSLContext:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(HOST).configure_cert(made)
        return made

    @pytest.fixture
    def ca_file(self, authority: trustme.CA, tmp_path: Path) -> Path:
        path = tmp_path / "ca.pem"
        authority.cert_pem.write_to_path(str(path))
        return path

    @pytest.mark.filterwarnings("ignore:Requiring AUTH")  # TLS from the start is not seen
    @pytest.mark.parametrize("security", ["starttls", "tls"])
    def test_with_a_password_from_a_file(
        self, context: ssl.SSLContext, ca_file: Path, tmp_path: Path, security: str
    ) -> None:
        secret = tmp_path / "password"
        secret.write_text("correct horse\n")
        settings = build.settings(
            "sqlite://",
            smtp_host=HOST,
            smtp_port=(office := PostOffice()).port,
            smtp_security=security,
            smtp_username="lcep",
            smtp_password_file=secret,
            smtp_ca_file=ca_file,
            mail_from="hello@lcep.example.org",
        )
        how = {"ssl_context": context, "auth_require_tls": False}
        options = encrypted(context) if security == "starttls" else how
        with office.open(**options, **signing_in("lcep", "correct horse")):
            post = cli.senders(settings)["mail"]
            assert isinstance(post, SmtpSender)
            post(message())
            post(message())
            post.rest()
        assert [posted.name for posted in office.posted] == ["lcep", "lcep"]
        assert all(posted.encrypted for posted in office.posted)
        assert office.posted[0].id.endswith("@lcep.example.org>")

    def test_a_wrong_password_is_retried_and_not_told(
        self, context: ssl.SSLContext, ca_file: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        office = PostOffice()
        given = {"security": "starttls", "ca_file": ca_file, "username": "lcep"}
        with office.open(**encrypted(context), **signing_in("lcep", "correct horse")):
            post = sender(office, **given, password="battery staple")
            with caplog.at_level(logging.DEBUG, "app"), pytest.raises(Retry) as caught:
                post(message())
        assert caught.value.reason == "The mail server refused our name or password: 535 5.7.8."
        assert "battery" not in caplog.text + repr(post.__dict__)

    def test_a_certificate_of_somebody_else_is_not_trusted(
        self, context: ssl.SSLContext, tmp_path: Path
    ) -> None:
        other = tmp_path / "other.pem"
        trustme.CA().cert_pem.write_to_path(str(other))
        office = PostOffice()
        with office.open(**encrypted(context)), pytest.raises(Retry, match="not trusted"):
            sender(office, security="starttls", ca_file=other)(message())
        assert office.posted == []

    def test_never_without_encryption_where_it_is_wanted(
        self, office: PostOffice, ca_file: Path
    ) -> None:
        with pytest.raises(Retry, match="does not offer"):
            sender(office, security="starttls", ca_file=ca_file)(message())
        assert office.posted == []


class TestSettings:
    def test_a_server_needs_a_sender(self) -> None:
        with pytest.raises(ValueError, match="LCEP_MAIL_FROM"):
            build.settings("sqlite://", smtp_host="mail.example.org")

    def test_a_password_is_not_sent_in_clear(self) -> None:
        with pytest.raises(ValueError, match="LCEP_SMTP_SECURITY") as caught:
            build.settings(
                "sqlite://",
                smtp_host="mail.example.org",
                mail_from="a@example.org",
                smtp_username="lcep",
                smtp_password="correct horse",
                smtp_security="none",
            )
        assert "correct horse" not in str(caught.value)

    def test_the_domain_is_the_senders_unless_given(self) -> None:
        assert build.settings("sqlite://", mail_from="a@b.example.org").domain == "b.example.org"
        assert build.settings("sqlite://").domain == "testserver"
        assert build.settings("sqlite://", mail_domain="c.example").domain == "c.example"

    def test_a_mistake_is_told_in_a_sentence(self) -> None:
        environment = {**os.environ, "LCEP_SMTP_PORT": "70000", "LCEP_SMTP_PASSWORD": "horse"}
        run = subprocess.run(
            [sys.executable, "-m", "app", "keys", "list"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 1
        assert "LCEP_SMTP_PORT:" in run.stderr
        assert "Traceback" not in run.stderr
        assert "horse" not in run.stderr


def test_the_worker_sends_by_the_settings() -> None:
    settings = build.settings(
        "sqlite://", smtp_host=HOST, smtp_security="none", mail_from="a@example.org"
    )
    assert isinstance(cli.senders(settings)["mail"], SmtpSender)
    assert cli.senders(build.settings("sqlite://")) == {}
    assert mail.TOPIC == "mail"
