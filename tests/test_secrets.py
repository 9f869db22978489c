"""What may be said."""

import json
from urllib.parse import quote

import pytest

from sdetr.secrets import redact


@pytest.mark.parametrize(
    "text, said",
    [
        ("http://me:pw@host:1/x failed", "http://host:1/x failed"),
        ("postgresql+psycopg2://u:p%40@db/mlflow", "postgresql+psycopg2://db/mlflow"),
        ("https://host/x?api_token=abc&page=2", "https://host/x?api_token=***&page=2"),
        ("https://host/#token=abc and more", "https://host/#token=*** and more"),
        ("http://host/?a=1&auth=abc", "http://host/?a=1&auth=***"),
        ("mssql://h/?odbc_connect=UID%3Dsa%3BPWD%3Dabc%3BX%3D1", "mssql://h/?odbc_connect=UID%3Dsa%3BPWD%3D***%3BX%3D1"),
        ("UID=sa;PWD=abc;X=1", "UID=sa;PWD=***;X=1"),
        ("host=db password=abc port=1", "host=db password=*** port=1"),
        ("from http://u:a/b@one and http://u:c d@two", "from http://one and http://two"),
    ],
)  # fmt: skip
def test_fault_64_addresses_lose_their_users_and_tokens(text, said):
    assert redact(text) == said


@pytest.mark.parametrize("between", ["@", "/", " ", "'", '"', "/@", " @", '"/', "?", "#", ":"])
def test_fault_64_a_password_goes_whole_whatever_is_in_it(between):
    said = redact(f"cannot reach http://me:pass{between}word@host/x today")
    assert said == "cannot reach http://host/x today"


@pytest.mark.parametrize(
    "text",
    [
        "mail me@host or see a/b:c@d",
        "http://127.0.0.1:5000/#/experiments/1 was made by me@host",
        "https://host/a?page=2&keys=3",
        "https://www.npmjs.com/package/@scope/name",
        "sorted(names, key=len), tokens=100",
    ],
)
def test_harmless_texts_stay_as_they_are(text):
    assert redact(text) == text


NAMES = """MLFLOW_TRACKING_TOKEN DB_PASSWORD PGPASSWORD AWS_SECRET_ACCESS_KEY SECRET GH_PAT DB_PASS MYSQL_PWD
AZURE_STORAGE_CONNECTION_STRING GCP_CREDENTIALS OPENAI_API_KEY api_key"""


@pytest.mark.parametrize("name", NAMES.split())
def test_fault_64_values_of_variables_that_are_called_secret_are_replaced(name, monkeypatch):
    monkeypatch.setenv(name, "hunter2/is it")
    assert redact("a hunter2/is it b hunter2%2Fis%20it c") == "a *** b *** c"


def test_longer_values_go_before_those_that_they_begin_with(monkeypatch):
    monkeypatch.setenv("ONE_TOKEN", "abcdef")
    monkeypatch.setenv("OTHER_TOKEN", "abcdefgh")
    assert redact("abcdefgh abcdef") == "*** ***"


@pytest.mark.parametrize(
    "name, value",
    [
        ("TOKENIZERS_PARALLELISM", "false"),
        ("TOKENIZERS_PARALLELISM", "falsely"),
        ("KEYBOARD_LAYOUT", "german"),
        ("PWD", "/home/me"),
        ("MAX_TOKENS_PER_STEP", "plenty"),
        ("USE_TOKEN", "false"),
        ("USE_AUTH", "none"),
        ("SORT_KEY", "20000101"),
        ("SHORT_SECRET", "abcde"),
    ],
)
def test_what_only_looks_like_a_secret_is_left(name, value, monkeypatch):
    monkeypatch.setenv(name, value)
    assert redact(f"it says {value}") == f"it says {value}"


@pytest.mark.parametrize("password", ["hunter2is", "hun@ter/2", "a/b?c#d e", "%40hunter2"])
def test_fault_64_the_password_of_the_tracking_address_goes_in_every_spelling(password, monkeypatch):
    for written in (password, quote(password, safe="")):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"postgresql://me:{written}@host:5432/mlflow")
        for told in (password, written, quote(password, safe=""), json.dumps(password)):
            assert password not in redact(f"no entry for {told}.")
            assert "unter" not in redact(f"no entry for {told}.")


def test_fault_64_a_token_that_stands_for_the_user_goes_too(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://abcdef123@host")
    assert redact("refused abcdef123") == "refused ***"
