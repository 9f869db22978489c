"""Which MLflow, and what may be said of it."""

import pytest

from sdetr.tracking.store import Store, TrackingError


@pytest.fixture
def store(tmp_path, monkeypatch):
    def of(uri):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        return Store.of(tmp_path)

    return of


def test_a_store_is_known_by_its_address_and_not_by_its_password(store):
    one, other = store("http://a:1@host/x"), store("http://b:2@host/x/")
    assert one.fingerprint == other.fingerprint != store("http://host/y").fingerprint
    assert one.shown == one.address == "http://host/x"


def test_without_an_address_it_is_the_database_in_the_root(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    store = Store.of(tmp_path)
    assert store.uri == store.shown == f"sqlite:///{tmp_path.resolve()}/mlflow.db"
    assert store.is_own and store.missing == tmp_path.resolve() / "mlflow.db"


@pytest.mark.parametrize(
    "uri, shown",
    [
        ("http://me:pa ss@host:80/x?token=abc#auth=abc", "http://host:80/x"),
        ("postgresql+psycopg2://u:p'w@[::1]:5432/m?password=abc", "postgresql+psycopg2://[::1]:5432/m"),
        ("mssql+pyodbc:///?odbc_connect=PWD%3Dabc", "mssql+pyodbc:///"),
        ("databricks", "databricks"),
        ("databricks://profile", "databricks://profile"),
        ("sqlite:////home/me@work/mlflow.db?mode=ro", "sqlite:////home/me@work/mlflow.db"),
    ],
)
def test_scheme_host_port_and_path_are_shown_and_nothing_else(store, uri, shown):
    assert store(uri).shown == shown


@pytest.mark.parametrize("user", ["u:pa/ss", "u:12/ss", "u:p?ss", "u:12#ss", "u:[ss", "ss/ss", "u:12?x=ss"])
def test_of_an_address_that_cannot_be_taken_apart_the_scheme_alone(store, user):
    odd = store(f"http://{user}@host/x")
    assert odd.shown == "http://" and odd.is_server
    with pytest.raises(TrackingError, match="cannot be taken apart") as caught:
        odd.knock()
    assert "ss@" not in str(caught.value) and "%2F" in str(caught.value)
