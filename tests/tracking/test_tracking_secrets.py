"""What may be said."""

import pytest

from sdetr.tracking.secrets import redact
from sdetr.tracking.store import Store


@pytest.mark.parametrize(
    "text, said",
    [
        ("http://me:pw@host:1/x failed", "http://host:1/x failed"),
        ("postgresql+psycopg2://u:p%40@db/mlflow", "postgresql+psycopg2://db/mlflow"),
        ("https://host/x?api_token=abc&page=2", "https://host/x?api_token=***&page=2"),
        ("mail me@host or see a/b:c@d", "mail me@host or see a/b:c@d"),
    ],
)
def test_addresses_lose_their_users_and_tokens(text, said):
    assert redact(text) == said


def test_a_password_with_an_at_sign_goes_whole():
    assert "word" not in redact("http://me:pass@word@host/")


def test_secrets_of_the_environment_are_replaced_longest_first_and_short_values_are_left(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "abcd")
    monkeypatch.setenv("DB_PASSWORD", "abcdef")
    monkeypatch.setenv("SHORT_SECRET", "x")
    monkeypatch.setenv("HARMLESS", "xyzw")
    assert redact("abcdef abcd x xyzw") == "*** *** x xyzw"


def test_a_store_is_known_by_its_address_and_not_by_its_password(tmp_path, monkeypatch):
    def store(uri):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        return Store.of(tmp_path)

    one, other = store("http://a:1@host/x"), store("http://b:2@host/x/")
    assert one.fingerprint == other.fingerprint != store("http://host/y").fingerprint
    assert one.shown == one.address == "http://host/x"
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert Store.of(tmp_path).uri == f"sqlite:///{tmp_path.resolve()}/mlflow.db"
