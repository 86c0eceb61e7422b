"""The SQLite file beneath the store."""

import subprocess
import sys
from pathlib import Path

import pytest

from local.database import Database
from local.store import SqliteStore
from shared.domain.record import ANY, Key, Put, Record
from shared.errors import Final
from tests.contract.manual_clock import ManualClock

IN_ANOTHER_PROCESS = """
import sys
from pathlib import Path
from local.clock import SystemClock
from local.store import SqliteStore
from shared.domain.record import ANY, Key, Put, Record
store = SqliteStore(Path(sys.argv[1]), SystemClock())
store.commit(Put(Record(Key("P", "THEIRS"), "thing"), ANY))
store.close()
"""


def commit(store: SqliteStore, sk: str) -> None:
    store.commit(Put(Record(Key("P", sk), "thing"), ANY))


def test_a_second_store_of_the_process_does_not_let_go_of_the_locks_of_the_first(tmp_path: Path) -> None:
    path = tmp_path / "db"
    first = SqliteStore(path, ManualClock())
    commit(first, "OURS")
    second = SqliteStore(path, ManualClock())
    second.close()
    # The last one who closes removes the write-ahead log. The other process must see that it is not the last.
    subprocess.run([sys.executable, "-c", IN_ANOTHER_PROCESS, str(path)], check=True)
    assert path.with_name("db-wal").exists()
    assert [each.key.sk for each in first.query("P").records] == ["OURS", "THEIRS"]
    first.close()
    assert not path.with_name("db-wal").exists()


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "home" / "db", ManualClock())
    commit(store, "A")
    assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "home").iterdir()} == {0o600}
    store.close()


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "db").write_text("this is a letter, not a database " * 200)
    with pytest.raises(Final, match="db is no intact database") as raised:
        Database(tmp_path / "db")
    assert "PERSEVERE_HOME" in raised.value.advice


def test_it_is_used_again_after_close(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "db", ManualClock())
    commit(store, "A")
    store.close()
    assert store.get(Key("P", "A")) is not None
    store.close()
